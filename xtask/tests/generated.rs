//! The generated files in the repository are up to date.

#![cfg(test)]

use std::{fs, path::Path};

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let stale: Vec<_> = xtask::generated_files()
        .expect("the files can be made")
        .into_iter()
        .filter(|file| fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.text))
        .map(|file| file.path)
        .collect();
    assert!(stale.is_empty(), "out of date, run `make generate`: {stale:?}");
}
