//! The invalid Architectures of `tests/invalid`, each with its expected errors.
//!
//! A file starts with comments for each error: `path`, `message`, and, where the API server reports
//! something else, `server`: a part of its message, or `accepts` if it cannot detect the error.

use std::{fs, path::Path};

/// An invalid Architecture.
pub(crate) struct InvalidCase {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// The Architecture.
    pub(crate) yaml: String,
    /// All expected errors.
    pub(crate) errors: Vec<ExpectedError>,
}

/// An error of one field.
#[derive(Default)]
pub(crate) struct ExpectedError {
    /// The path of the field.
    pub(crate) path: String,
    /// The message of `maquette lint` and the operator.
    pub(crate) message: String,
    /// A part of the API server's message; none if it accepts the field.
    pub(crate) server: Option<String>,
}

/// All cases, by name.
pub(crate) fn all() -> Vec<InvalidCase> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid");
    let entries = fs::read_dir(&folder).expect("tests/invalid exists");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| read_case(file)).collect()
}

fn read_case(file: &Path) -> InvalidCase {
    let yaml = fs::read_to_string(file).expect("a text file");
    let mut errors: Vec<ExpectedError> = vec![];
    for line in yaml.lines().map_while(|line| line.strip_prefix("# ")) {
        let (key, value) = line.split_once(": ").expect("a key and a value");
        let value = value.to_owned();
        match (key, errors.last_mut()) {
            ("path", _) => errors.push(ExpectedError { path: value, ..ExpectedError::default() }),
            ("message", Some(error)) => {
                error.server = Some(value.clone());
                error.message = value;
            }
            ("server", Some(error)) if value == "accepts" => error.server = None,
            ("server", Some(error)) => error.server = Some(value),
            _ => panic!("{}: unknown comment {line:?}", file.display()),
        }
    }
    let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
    assert!(!errors.is_empty(), "{name} lists no expected error");
    InvalidCase { name, yaml, errors }
}
