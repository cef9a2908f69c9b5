//! Redis' glob patterns, for `SCAN ... MATCH`.

/// Whether `text` matches `pattern`: `*` any bytes, `?` one byte, `[a-z]` and `[^a-z]` a set, `\`
/// escapes the next byte. Takes at most as many steps as the product of both lengths.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // After a mismatch, the last star takes one byte more: the pattern after it, and the text.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            retry = Some((rest, text));
            pattern = rest;
            continue;
        }
        match (match_one(pattern, text), retry) {
            (GlobStep::Matches(pattern_rest, text_rest), _) => {
                (pattern, text) = (pattern_rest, text_rest)
            }
            (GlobStep::End, _) => return true,
            (GlobStep::Differs, Some((after_star, [_, later @ ..]))) => {
                retry = Some((after_star, later));
                (pattern, text) = (after_star, later);
            }
            (GlobStep::Differs, _) => return false,
        }
    }
}

enum GlobStep<'a> {
    /// The first byte matches; the rest of pattern and text.
    Matches(&'a [u8], &'a [u8]),
    Differs,
    /// Both pattern and text end.
    End,
}

fn match_one<'a>(pattern: &'a [u8], text: &'a [u8]) -> GlobStep<'a> {
    let (byte, text_rest) = match (pattern, text) {
        ([], []) => return GlobStep::End,
        ([], _) | (_, []) => return GlobStep::Differs,
        (_, [byte, rest @ ..]) => (*byte, rest),
    };
    let (matches, pattern_rest) = match pattern {
        [b'?', rest @ ..] => (true, rest),
        [b'[', rest @ ..] => match_set(rest, byte),
        [b'\\', literal, rest @ ..] => (*literal == byte, rest),
        [literal, rest @ ..] => (*literal == byte, rest),
        [] => (false, pattern),
    };
    if matches { GlobStep::Matches(pattern_rest, text_rest) } else { GlobStep::Differs }
}

/// Whether `byte` is in the set that starts after `[`, and the pattern after the set. As in Redis,
/// a set without `]` ends with the pattern.
fn match_set(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    let (negated, mut rest) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => return (found != negated, rest),
            [b']', behind @ ..] => return (found != negated, behind),
            [b'\\', literal, behind @ ..] => {
                found |= *literal == byte;
                behind
            }
            [low, b'-', high, behind @ ..] => {
                found |= (*low.min(high)..=*low.max(high)).contains(&byte);
                behind
            }
            [literal, behind @ ..] => {
                found |= *literal == byte;
                behind
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_in_redis() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("h*llo", "heeello", true),
            ("h*llo", "hell", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            (r"h[\]]llo", "h]llo", true),
            (r"h\*llo", "h*llo", true),
            (r"h\*llo", "hello", false),
            ("[a", "a", true),
            ("orders/*", "orders/1", true),
            ("*/1", "orders/1", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*", "xxaxxcxxbxx", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    /// The definition by recursion, exponential in time.
    fn simple(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|skipped| simple(rest, &text[skipped..])),
            [b'?', rest @ ..] => !text.is_empty() && simple(rest, &text[1..]),
            [byte, rest @ ..] => text.first() == Some(byte) && simple(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn stars_match_whenever_possible(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text), simple(pattern, text));
        }
    }

    #[test]
    fn many_stars_take_bounded_time() {
        let pattern = "*a".repeat(500);
        assert!(!matches(format!("{pattern}b").as_bytes(), "a".repeat(1000).as_bytes()));
    }
}
