//! Golden files: expected outputs that are reviewed as files, and how to update them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// An output and the file with the expected one.
pub(crate) struct Golden {
    pub(crate) expected: PathBuf,
    pub(crate) actual: String,
}

/// Compares every output with its file, or writes the files if `UPDATE_GOLDEN` is set.
///
/// # Panics
/// If an output differs from its file.
pub(crate) fn assert_golden(test: &str, goldens: &[Golden]) {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut differences = vec![];
    for Golden { expected, actual } in goldens {
        if update {
            fs::create_dir_all(expected.parent().expect("a folder")).expect("a folder is created");
            fs::write(expected, actual).expect("a file is written");
        } else {
            let text = fs::read_to_string(expected).unwrap_or_default();
            let difference = first_difference(&text, actual);
            differences.extend(difference.map(|text| format!("{}\n{text}", expected.display())));
        }
    }
    assert!(
        differences.is_empty(),
        "{}\nIf this is meant: UPDATE_GOLDEN=1 cargo test --test {test}, then review `git diff`.",
        differences.join("\n")
    );
}

/// The first line that differs, with the lines around it.
fn first_difference(expected: &str, actual: &str) -> Option<String> {
    let (expected, actual): (Vec<_>, Vec<_>) =
        (expected.lines().collect(), actual.lines().collect());
    let length = expected.len().max(actual.len());
    let at = (0..length).find(|at| expected.get(*at) != actual.get(*at))?;
    let before: String =
        expected[at.saturating_sub(8)..at].iter().map(|line| format!("    {line}\n")).collect();
    let (removed, added) = (lines_from(&expected, at, '-'), lines_from(&actual, at, '+'));
    Some(format!("  line {}:\n{before}{removed}{added}", at + 1))
}

fn lines_from(lines: &[&str], at: usize, sign: char) -> String {
    lines.iter().skip(at).take(3).map(|line| format!("  {sign} {line}\n")).collect()
}

pub(crate) fn project_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The paths in a folder, sorted.
pub(crate) fn list_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
