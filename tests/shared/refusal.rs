//! The bad Architectures of `tests/refusals`, and what is to be said of each.
//!
//! A file begins with a comment for each problem: its path, the message, and, where the API server
//! does not say the same, what it says (a part of it), or `accepts` if it cannot know.

use std::{fs, path::Path};

/// A bad Architecture.
pub(crate) struct Refusal {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// The Architecture.
    pub(crate) yaml: String,
    /// All that is wrong with it.
    pub(crate) problems: Vec<Expected>,
}

/// What is to be said.
#[derive(Default)]
pub(crate) struct Expected {
    /// Of which field.
    pub(crate) path: String,
    /// By `maquette lint` and the operator.
    pub(crate) message: String,
    /// By the API server; none if it accepts.
    pub(crate) server: Option<String>,
}

/// All of them, by name.
pub(crate) fn all() -> Vec<Refusal> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals");
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Refusal {
    let yaml = fs::read_to_string(file).expect("a file of text");
    let mut problems: Vec<Expected> = vec![];
    for line in yaml.lines().map_while(|line| line.strip_prefix("# ")) {
        let (key, value) = line.split_once(": ").expect("a key and a value");
        let value = value.to_owned();
        match (key, problems.last_mut()) {
            ("path", _) => problems.push(Expected { path: value, ..Expected::default() }),
            ("message", Some(problem)) => {
                problem.server = Some(value.clone());
                problem.message = value;
            }
            ("server", Some(problem)) if value == "accepts" => problem.server = None,
            ("server", Some(problem)) => problem.server = Some(value),
            _ => panic!("{}: {line:?} is not understood", file.display()),
        }
    }
    let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
    assert!(!problems.is_empty(), "{name} does not say what is wrong");
    Refusal { name, yaml, problems }
}
