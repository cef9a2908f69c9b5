//! Lists, counts and lines in messages.

/// The first three of `items` in one line, and how many more there are.
pub(super) fn join_items(items: impl IntoIterator<Item = String>) -> String {
    const SHOWN: usize = 3;
    let items: Vec<String> = items.into_iter().collect();
    let shown = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// A count with its noun: `1 pod`, `2 pods`.
pub(super) fn counted(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// `text` on one line and at most `max` characters long.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut short: String = line.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_long_lines_are_cut() {
        assert_eq!(join_items(["a", "b"].map(str::to_owned)), "a; b");
        assert_eq!(join_items(["a", "b", "c", "d", "e"].map(str::to_owned)), "a; b; c; and 2 more");
        assert_eq!(one_line("two\n  lines", 20), "two lines");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
