//! The objects that Architectures become, as `maquette render` prints them: a reviewer sees the
//! effect of a change on every shape.
//!
//! The inputs are the examples and `tests/golden/<case>/input.yaml`. `UPDATE_GOLDEN=1` writes the
//! expected files.

#![cfg(test)]

#[path = "shared/golden.rs"]
mod golden;

use golden::{Golden, assert_golden, list_folder, project_root};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Not the real image: a new version would change every line that names it.
const IMAGE: &str = "workload:golden";
/// Folders of `tests/golden_commands.rs`.
const COMMAND_FOLDERS: [&str; 2] = ["graph", "plan"];

struct Case {
    input: PathBuf,
    expected: PathBuf,
}

#[test]
fn every_example_and_edge_case_renders_as_reviewed() {
    let goldens: Vec<_> = cases()
        .into_iter()
        .map(|case| Golden { actual: render_file(&case.input), expected: case.expected })
        .collect();
    assert_golden("golden", &goldens);
}

#[test]
fn every_expected_file_has_an_input() {
    let expected: Vec<_> = cases().into_iter().map(|case| case.expected).collect();
    for folder in case_folders() {
        for file in list_folder(&folder).into_iter().filter(|file| !file.ends_with("input.yaml")) {
            assert!(expected.contains(&file), "{} has no input: delete it", file.display());
        }
    }
}

fn case_folders() -> Vec<PathBuf> {
    let mut folders = list_folder(&project_root().join("tests/golden"));
    folders.retain(|folder| !COMMAND_FOLDERS.iter().any(|other| folder.ends_with(other)));
    folders
}

fn cases() -> Vec<Case> {
    let golden = project_root().join("tests/golden");
    let mut cases = vec![];
    for input in list_folder(&project_root().join("manifests/examples")) {
        let name = input.file_name().expect("a file").to_owned();
        cases.push(Case { input, expected: golden.join("examples").join(name) });
    }
    for folder in case_folders().into_iter().filter(|folder| !folder.ends_with("examples")) {
        let (input, expected) = (folder.join("input.yaml"), folder.join("rendered.yaml"));
        cases.push(Case { input, expected });
    }
    cases
}

fn render_file(input: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_maquette"))
        .args(["render", "--image", IMAGE, "--filename"])
        .arg(input)
        .output()
        .expect("maquette runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", input.display());
    String::from_utf8(output.stdout).expect("YAML is text")
}
