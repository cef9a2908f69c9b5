//! Comments, messages and docs are plain technical English: these words are not in them.
//! docs/glossary.md has the terms that are.

use std::{fs, path::Path, process::Command};

/// Words in two parts, so that this file passes its own test.
const REFUSED: [(&str, &str); 24] = [
    ("who", "ever"),
    ("who", "m"),
    ("who", "mever"),
    ("no", "body"),
    ("some", "body"),
    ("every", "body"),
    ("a", "new"),
    ("of ", "late"),
    ("me", "nd"),
    ("me", "nds"),
    ("men", "ded"),
    ("men", "ding"),
    ("in the ", "midst"),
    ("in its ", "midst"),
    ("for ", "ever"),
    ("come ", "about"),
    ("so ", "many"),
    ("had ", "better"),
    ("is ", "told"),
    ("are ", "told"),
    ("was ", "told"),
    ("on their ", "way out"),
    ("th", "rice"),
    ("fell", "ows"),
];

/// What people read: sources, docs, scripts and what is shown in a cluster.
const READ: [&str; 7] = ["*.rs", "*.go", "*.md", "*.yaml", "*.yml", "*.sh", "*.txt"];

#[test]
fn texts_use_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .args(READ)
        .current_dir(root)
        .output()
        .expect("git lists the files");
    let files = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    assert!(files.lines().count() > 400, "git ls-files lists the sources: {files}");
    let found: Vec<_> = files.lines().flat_map(|file| refused_in(root, file)).collect();
    assert!(
        found.is_empty(),
        "say these in plain words, see docs/glossary.md:\n{}",
        found.join("\n")
    );
}

/// `file:line: word` for each refused word.
fn refused_in(root: &Path, file: &str) -> Vec<String> {
    // A deleted file is listed until the deletion is committed.
    let Ok(text) = fs::read_to_string(root.join(file)) else { return vec![] };
    let numbered = text.lines().enumerate();
    numbered
        .flat_map(|(index, line)| {
            let lower = line.to_lowercase();
            let words = REFUSED.map(|(start, end)| format!("{start}{end}"));
            let hits = words.into_iter().filter(move |word| has_word(&lower, word));
            hits.map(move |word| format!("{file}:{}: {word}", index + 1))
        })
        .collect()
}

/// Whether `word` is in `text` with no letter, digit or `_` beside it.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

#[test]
fn a_word_inside_another_word_is_no_hit() {
    assert!(has_word("one ab, two", "ab") && has_word("ab", "ab"));
    assert!(!has_word("cab", "ab") && !has_word("ab_c", "ab"));
}
