//! Text in SVG: its width, and its escapes.

/// The width of `text` in pixels, at most, in a font of `size`. The reader's font is not known: the
/// measures are those of DejaVu Sans, one of the widest.
pub(super) fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let ems: f64 = text.chars().map(char_width).sum();
    ems * size * if bold { 1.11 } else { 1.0 }
}

fn char_width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ';' | ':' | '\'' | '|' | ' ' => 0.34,
        'f' | 't' | 'r' | '-' | '/' | '(' | ')' | '[' | ']' => 0.42,
        'm' | '%' | 'W' | 'M' | '@' => 1.0,
        'w' | '→' | '~' | '+' | '−' | '…' => 0.85,
        'a'..='z' | '0'..='9' => 0.645,
        'A'..='Z' => 0.79,
        _ => 1.0,
    }
}

/// `text`, cut so that it is at most `widest` pixels wide.
pub(super) fn cut_to_width(text: &str, size: f64, widest: f64) -> String {
    if text_width(text, size, false) <= widest {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        if text_width(&cut, size, false) + (char_width(c) + char_width('…')) * size > widest {
            break;
        }
        cut.push(c);
    }
    cut.trim_end().to_owned() + "…"
}

/// `text` with XML escapes. A character that XML does not allow becomes a space.
pub(super) fn escape_xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A number with at most one digit after the decimal point.
pub(super) fn format_number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0").unwrap_or(&text) {
        "-0" => "0".to_owned(),
        short => short.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_syntax_is_escaped() {
        assert_eq!(escape_xml("<a href=\"x\">&'\u{1}"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; ");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, -0.04, 2.25, -3.5].map(format_number), ["1", "0", "2.2", "-3.5"]);
    }

    #[test]
    fn long_text_is_cut_to_its_width() {
        let long = "a".repeat(100);
        let short = cut_to_width(&long, 12.0, 200.0);
        assert!(short.ends_with('…') && text_width(&short, 12.0, false) <= 200.0, "{short}");
        assert_eq!(cut_to_width("short", 12.0, 200.0), "short");
    }
}
