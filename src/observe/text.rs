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

/// Whether `joined`, a text of [`join_items`], leaves some out.
pub(super) fn has_more(joined: &str) -> bool {
    joined.contains("; and ")
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

/// The longest quoted value in a message, in characters.
const MAX_QUOTED: usize = 80;

/// Cuts quoted values in `message` to [`MAX_QUOTED`] characters, and `message` to `max` bytes.
pub(super) fn shorten(message: &mut String, max: usize) {
    if message.len() > MAX_QUOTED {
        *message = shorten_quoted(message);
    }
    if message.len() > max {
        const ELLIPSIS: char = '…';
        let end = message.floor_char_boundary(max.saturating_sub(ELLIPSIS.len_utf8()));
        message.truncate(end);
        message.push(ELLIPSIS);
    }
}

/// `message` with each value in double quotes or backticks cut.
fn shorten_quoted(message: &str) -> String {
    let mut short = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['"', '`']) {
        let (before, quoted) = rest.split_at(start);
        let Some(length) = quoted_length(quoted) else { break };
        let (value, after) = quoted.split_at(length);
        let quote = &value[..1];
        short.push_str(before);
        match value.char_indices().nth(MAX_QUOTED + 1) {
            Some((end, _)) if value.chars().count() > MAX_QUOTED + 2 => {
                short.extend([&value[..end], "…", quote]);
            }
            _ => short.push_str(value),
        }
        rest = after;
    }
    short.push_str(rest);
    short
}

/// The bytes of the value at the beginning of `text` with both of its quotes; none if it does not
/// end. A backslash escapes the next character.
fn quoted_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next()?;
    while let Some((index, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return Some(index + c.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_quoted_value_and_a_long_message_are_cut() {
        let cut = |message: String, max: usize| {
            let mut message = message;
            shorten(&mut message, max);
            message
        };
        let value = "ä".repeat(80);
        let fits = format!("name \"{value}\" is `{value}`");
        assert_eq!(cut(fits.clone(), 4096), fits);
        let long = format!("name \"{value}\\\"bc\" is `{value}b`, not \"open {value}");
        let expected = format!("name \"{value}…\" is `{value}…`, not \"open {value}");
        assert_eq!(cut(long, 4096), expected);
        assert_eq!(cut("ä".repeat(50), 10), "äää…");
        assert_eq!(cut("ä".repeat(5), 10), "äääää");
    }

    #[test]
    fn long_lists_and_long_lines_are_cut() {
        assert_eq!(join_items(["a", "b"].map(str::to_owned)), "a; b");
        assert_eq!(join_items(["a", "b", "c", "d", "e"].map(str::to_owned)), "a; b; c; and 2 more");
        assert_eq!(one_line("two\n  lines", 20), "two lines");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
