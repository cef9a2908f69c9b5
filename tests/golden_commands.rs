//! What `maquette graph` draws and `maquette plan` tells, of the examples and of changes in
//! `tests/golden/graph` and `tests/golden/plan`, and the example in `docs/cli.md`. `UPDATE_GOLDEN=1`
//! writes what is expected anew.

#![cfg(test)]

#[path = "shared/golden.rs"]
mod golden;

use golden::{Golden, hold, list, root};
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
        let expected = |name: &str| golden("graph", &format!("{name}.{extension}"));
        for shape in shapes() {
            let arguments = ["graph", "-o", format, "-f", &example(&shape)];
            goldens.push(Golden { expected: expected(&shape), found: printed(&arguments, 0) });
        }
        let (old, new) = (example("three-tier"), example("n-tier"));
        let arguments = ["graph", "-o", format, "-f", &old, "--diff", &new];
        let expected = expected("three-tier-to-n-tier");
        goldens.push(Golden { expected, found: printed(&arguments, 0) });
        let services = "tests/golden/many-services/input.yaml";
        let arguments = ["graph", "-o", format, "-f", services];
        let expected = golden("graph", &format!("many-services.{extension}"));
        goldens.push(Golden { expected, found: printed(&arguments, 0) });
    }
    hold("golden_commands", &goldens);
    nothing_else_in("graph", &goldens);
}

#[test]
fn every_change_of_shape_and_edge_cases_are_foretold_as_reviewed() {
    let mut goldens = vec![];
    for old in shapes() {
        for new in shapes().into_iter().filter(|new| *new != old) {
            let found = foretold(&example(&old), &example(&new), "text", 2);
            let expected = golden("plan", &format!("{old}-to-{new}.txt"));
            goldens.push(Golden { expected, found });
        }
    }
    for folder in list(&root().join("tests/golden/plan")).into_iter().filter(|path| path.is_dir()) {
        let file = |name: &str| folder.join(name).display().to_string();
        let cannot =
            folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cannot"));
        let found =
            foretold(&file("old.yaml"), &file("new.yaml"), "text", if cannot { 1 } else { 2 });
        goldens.push(Golden { expected: folder.join("plan.txt"), found });
    }
    for (format, extension) in PLANS.into_iter().skip(1) {
        let found = foretold(&example("three-tier"), &example("n-tier"), format, 2);
        let expected = golden("plan", &format!("three-tier-to-n-tier.{extension}"));
        goldens.push(Golden { expected, found });
    }
    hold("golden_commands", &goldens);
    nothing_else_in("plan", &goldens);
}

#[test]
fn the_documentation_shows_what_is_told() {
    const EXAMPLE: &str = "\
        $ maquette plan -f tests/golden/plan/service-split-off/new.yaml \\\n    \
        --from tests/golden/plan/service-split-off/old.yaml\n";
    let expected = root().join("docs/cli.md");
    let text = fs::read_to_string(&expected).expect("it is text");
    let (before, after) = text.split_once(EXAMPLE).expect("the example is there");
    let (_, after) = after.split_once("```").expect("the example ends");
    let file = |name: &str| format!("tests/golden/plan/service-split-off/{name}.yaml");
    let told = foretold(&file("old"), &file("new"), "text", 2);
    let found = format!("{before}{EXAMPLE}{told}```{after}");
    hold("golden_commands", &[Golden { expected, found }]);
}

#[test]
fn there_is_nothing_to_do_where_nothing_changes() {
    for shape in shapes() {
        let found = foretold(&example(&shape), &example(&shape), "text", 0);
        assert!(found.ends_with(": nothing to do\n"), "{found}");
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
        assert!(printed(&["graph", "-f", several, name], 0).contains(name));
    }
    assert_eq!(maquette(&["graph", "-f", several, "nobody"]).status.code(), Some(1));
}

fn shapes() -> Vec<String> {
    let files = list(&root().join("manifests/examples")).into_iter();
    files.map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

fn example(shape: &str) -> String {
    format!("manifests/examples/{shape}.yaml")
}

fn golden(folder: &str, name: &str) -> PathBuf {
    root().join("tests/golden").join(folder).join(name)
}

fn nothing_else_in(folder: &str, goldens: &[Golden]) {
    let files = list(&root().join("tests/golden").join(folder));
    for file in files.into_iter().filter(|file| !file.is_dir()) {
        let known = goldens.iter().any(|golden| golden.expected == file);
        assert!(known, "{} is expected by nobody: delete it", file.display());
    }
}

fn foretold(old: &str, new: &str, format: &str, code: i32) -> String {
    printed(&["plan", "-o", format, "--from", old, "-f", new], code)
}

fn printed(arguments: &[&str], code: i32) -> String {
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
