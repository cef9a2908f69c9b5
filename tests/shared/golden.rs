//! Golden files: what is expected, and how to write it anew.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Something that a test found and the file with what it expects.
pub(crate) struct Golden {
    pub(crate) expected: PathBuf,
    pub(crate) found: String,
}

/// Holds everything to what is expected, or writes that anew if `UPDATE_GOLDEN` is set.
///
/// # Panics
/// If something is not as expected.
pub(crate) fn hold(test: &str, goldens: &[Golden]) {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = vec![];
    for Golden { expected, found } in goldens {
        if update {
            fs::create_dir_all(expected.parent().expect("a folder")).expect("a folder is made");
            fs::write(expected, found).expect("a file is written");
        } else {
            let text = fs::read_to_string(expected).unwrap_or_default();
            let difference = first_difference(&text, found);
            wrong.extend(difference.map(|text| format!("{}\n{text}", expected.display())));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nIf this is meant: UPDATE_GOLDEN=1 cargo test --test {test}, then review `git diff`.",
        wrong.join("\n")
    );
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

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What is in a folder, in order.
pub(crate) fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
