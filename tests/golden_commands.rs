//! The output of `maquette graph` and `maquette plan` for the examples and for the changes in
//! `tests/golden/plan`, and the example in `docs/cli.md`. `UPDATE_GOLDEN=1` writes the expected
//! files.

#![cfg(test)]

#[path = "shared/golden.rs"]
mod golden;

use golden::{Golden, assert_golden, list_folder, project_root};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const FORMATS: [(&str, &str); 3] = [("mermaid", "mmd"), ("dot", "dot"), ("svg", "svg")];
const PLANS: [(&str, &str); 3] = [("text", "txt"), ("yaml", "yaml"), ("json", "json")];

#[test]
fn examples_and_a_change_are_drawn_as_reviewed() {
    let mut goldens = vec![];
    for (format, extension) in FORMATS {
        let mut add = |name: &str, files: &[&str]| {
            let arguments = [&["graph", "-o", format, "-f"], files].concat();
            let expected = golden_path("graph", &format!("{name}.{extension}"));
            goldens.push(Golden { expected, actual: stdout_of(&arguments, 0) });
        };
        for shape in shapes() {
            add(&shape, &[&example(&shape)]);
        }
        let (old, new) = (example("three-tier"), example("n-tier"));
        add("three-tier-to-n-tier", &[&old, "--diff", &new]);
        add("many-services", &["tests/golden/many-services/input.yaml"]);
    }
    assert_golden("golden_commands", &goldens);
    assert_no_other_files("graph", &goldens);
}

#[test]
fn every_change_of_shape_and_edge_case_is_planned_as_reviewed() {
    let mut goldens = vec![];
    for old in shapes() {
        for new in shapes().into_iter().filter(|new| *new != old) {
            let expected = golden_path("plan", &format!("{old}-to-{new}.txt"));
            let actual = plan_change(&example(&old), &example(&new), "text", 2);
            goldens.push(Golden { expected, actual });
        }
    }
    for folder in list_folder(&project_root().join("tests/golden/plan"))
        .into_iter()
        .filter(|path| path.is_dir())
    {
        let [old, new] =
            ["old.yaml", "new.yaml"].map(|name| folder.join(name).display().to_string());
        let is_impossible =
            folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cannot"));
        let actual = plan_change(&old, &new, "text", if is_impossible { 1 } else { 2 });
        goldens.push(Golden { expected: folder.join("plan.txt"), actual });
    }
    for (format, extension) in PLANS.into_iter().skip(1) {
        let expected = golden_path("plan", &format!("three-tier-to-n-tier.{extension}"));
        let actual = plan_change(&example("three-tier"), &example("n-tier"), format, 2);
        goldens.push(Golden { expected, actual });
    }
    assert_golden("golden_commands", &goldens);
    assert_no_other_files("plan", &goldens);
}

#[test]
fn the_documentation_shows_the_output() {
    const EXAMPLE: &str = "\
        $ maquette plan -f tests/golden/plan/service-split-off/new.yaml \\\n    \
        --from tests/golden/plan/service-split-off/old.yaml\n";
    let expected = project_root().join("docs/cli.md");
    let text = fs::read_to_string(&expected).expect("it is text");
    let (before, after) = text.split_once(EXAMPLE).expect("the example is there");
    let (_, after) = after.split_once("```").expect("the example ends");
    let [old, new] =
        ["old", "new"].map(|name| format!("tests/golden/plan/service-split-off/{name}.yaml"));
    let plan = plan_change(&old, &new, "text", 2);
    let actual = format!("{before}{EXAMPLE}{plan}```{after}");
    assert_golden("golden_commands", &[Golden { expected, actual }]);
}

#[test]
fn an_unchanged_file_leaves_nothing_to_do() {
    for shape in shapes() {
        let plan = plan_change(&example(&shape), &example(&shape), "text", 0);
        assert!(plan.ends_with(": nothing to do\n"), "{plan}");
    }
}

#[test]
fn invalid_files_and_command_lines_are_failures_that_say_what_lint_says() {
    let wrong = "tests/invalid/several-errors.yaml";
    let good = example("n-tier");
    let lint = maquette(&["lint", "-f", wrong]);
    let problems = String::from_utf8_lossy(&lint.stdout).into_owned();
    assert!(problems.lines().count() > 1, "{problems}");
    for arguments in [
        vec!["graph", "-f", wrong],
        vec!["graph", "-f", &good, "--diff", wrong],
        vec!["plan", "-f", wrong, "--from", &good],
        vec!["plan", "-f", &good, "--from", wrong],
    ] {
        let output = maquette(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
        assert!(errors.contains(problems.trim_end()), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(maquette(&["plan", "--nonsense"]).status.code(), Some(1));
    assert_eq!(maquette(&["plan", "--help"]).status.code(), Some(0));
    assert_eq!(maquette(&["graph", "--nonsense"]).status.code(), Some(2));
}

#[test]
fn one_of_several_architectures_is_chosen_by_its_name() {
    let several = "tests/golden/several-documents/input.yaml";
    let output = maquette(&["graph", "-f", several]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    let (_, names) = errors.trim_end().rsplit_once(": ").expect("names");
    for name in names.split(", ") {
        assert!(stdout_of(&["graph", "-f", several, name], 0).contains(name));
    }
    assert_eq!(maquette(&["graph", "-f", several, "missing"]).status.code(), Some(1));
}

fn shapes() -> Vec<String> {
    let files = list_folder(&project_root().join("manifests/examples")).into_iter();
    files.map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

fn example(shape: &str) -> String {
    format!("manifests/examples/{shape}.yaml")
}

fn golden_path(folder: &str, name: &str) -> PathBuf {
    project_root().join("tests/golden").join(folder).join(name)
}

fn assert_no_other_files(folder: &str, goldens: &[Golden]) {
    let files = list_folder(&project_root().join("tests/golden").join(folder));
    for file in files.into_iter().filter(|file| !file.is_dir()) {
        let known = goldens.iter().any(|golden| golden.expected == file);
        assert!(known, "{} belongs to no test: delete it", file.display());
    }
}

fn plan_change(old: &str, new: &str, format: &str, code: i32) -> String {
    stdout_of(&["plan", "-o", format, "--from", old, "-f", new], code)
}

fn stdout_of(arguments: &[&str], code: i32) -> String {
    let output = maquette(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

fn maquette(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_maquette"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("maquette runs")
}
