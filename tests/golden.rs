//! What Architectures become, object by object, as `maquette render` prints it: whoever reviews a
//! change sees its effect on every shape.
//!
//! The inputs are the examples and `tests/golden/<case>/input.yaml`. `UPDATE_GOLDEN=1` writes what
//! is expected anew.

#![cfg(test)]

#[path = "shared/golden.rs"]
mod golden;

use golden::{Golden, hold, list, root};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The image is no matter of these tests: a new version would change every line that names it.
const IMAGE: &str = "workload:golden";
/// Folders of other tests: see `tests/golden_commands.rs`.
const OTHERS: [&str; 2] = ["graph", "plan"];

/// An input and where its expected output is.
struct Case {
    input: PathBuf,
    expected: PathBuf,
}

#[test]
fn every_example_and_edge_case_renders_as_reviewed() {
    let golden = |case: Case| Golden { found: rendered(&case.input), expected: case.expected };
    let goldens: Vec<_> = cases().into_iter().map(golden).collect();
    hold("golden", &goldens);
}

#[test]
fn nothing_expected_is_left_without_its_input() {
    let expected: Vec<_> = cases().into_iter().map(|case| case.expected).collect();
    for folder in folders() {
        for file in list(&folder).into_iter().filter(|file| !file.ends_with("input.yaml")) {
            assert!(expected.contains(&file), "{} has no input: delete it", file.display());
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let mut folders = list(&root().join("tests/golden"));
    folders.retain(|folder| !OTHERS.iter().any(|other| folder.ends_with(other)));
    folders
}

fn cases() -> Vec<Case> {
    let golden = root().join("tests/golden");
    let example = |input: PathBuf| {
        let name = input.file_name().expect("a file").to_owned();
        Case { input, expected: golden.join("examples").join(name) }
    };
    let edge = |folder: PathBuf| Case {
        input: folder.join("input.yaml"),
        expected: folder.join("rendered.yaml"),
    };
    let edges = folders().into_iter().filter(|folder| !folder.ends_with("examples"));
    list(&root().join("manifests/examples"))
        .into_iter()
        .map(example)
        .chain(edges.map(edge))
        .collect()
}

fn rendered(input: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_maquette"))
        .args(["render", "--image", IMAGE, "--filename"])
        .arg(input)
        .output()
        .expect("maquette runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", input.display());
    String::from_utf8(output.stdout).expect("YAML is text")
}
