//! What Architectures become, object by object, as `maquette render` prints it: whoever reviews a
//! change sees its effect on every shape.
//!
//! The inputs are the examples and `tests/golden/<case>/input.yaml`. `UPDATE_GOLDEN=1` writes what
//! is expected anew.

#![cfg(test)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The image is no matter of these tests: a new version would change every line that names it.
const IMAGE: &str = "workload:golden";

/// An input and where its expected output is.
struct Case {
    input: PathBuf,
    expected: PathBuf,
}

#[test]
fn every_example_and_edge_case_renders_as_reviewed() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = vec![];
    for case in cases() {
        let rendered = rendered(&case.input);
        if update {
            fs::create_dir_all(case.expected.parent().expect("a folder"))
                .expect("a folder is made");
            fs::write(&case.expected, rendered).expect("a file is written");
        } else {
            let expected = fs::read_to_string(&case.expected).unwrap_or_default();
            wrong.extend(first_difference(&expected, &rendered).map(|difference| {
                format!("{} ({})\n{difference}", case.expected.display(), case.input.display())
            }));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nIf this is meant: UPDATE_GOLDEN=1 cargo test --test golden, then review `git diff`.",
        wrong.join("\n")
    );
}

#[test]
fn nothing_expected_is_left_without_its_input() {
    let expected: Vec<_> = cases().into_iter().map(|case| case.expected).collect();
    for folder in list(&root().join("tests/golden")) {
        for file in list(&folder).into_iter().filter(|file| !file.ends_with("input.yaml")) {
            assert!(expected.contains(&file), "{} has no input: delete it", file.display());
        }
    }
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
    let edges = list(&golden).into_iter().filter(|folder| !folder.ends_with("examples"));
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

/// The first line that differs, with those around it.
fn first_difference(expected: &str, found: &str) -> Option<String> {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let length = expected.len().max(found.len());
    let at = (0..length).find(|at| expected.get(*at) != found.get(*at))?;
    let around = |lines: &[&str], sign: char| {
        let lines = lines.iter().skip(at).take(3);
        lines.map(|line| format!("  {sign} {line}\n")).collect::<String>()
    };
    let before: String =
        expected[at.saturating_sub(8)..at].iter().map(|line| format!("    {line}\n")).collect();
    let (expected, found) = (around(&expected, '-'), around(&found, '+'));
    Some(format!("  line {}:\n{before}{expected}{found}", at + 1))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What is in a folder, in order.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
