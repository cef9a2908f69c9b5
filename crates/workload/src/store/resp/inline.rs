//! Inline requests: a line that a person types into telnet, or `PING` of a health check.

use super::ProtocolError;
use bytes::Bytes;

/// Splits a line at blanks. `"..."` knows `\n \r \t \b \a \xHH` and `\` before anything else,
/// `'...'` only `\'`; after a closing quote must come a blank or the end.
pub(super) fn split_line(line: &[u8]) -> Result<Vec<Bytes>, ProtocolError> {
    let mut args = Vec::new();
    let mut rest = line.trim_ascii_start();
    while let Some(first) = rest.first() {
        let (arg, behind) = match first {
            b'"' => parse_double_quoted(&rest[1..])?,
            b'\'' => parse_single_quoted(&rest[1..])?,
            _ => parse_plain(rest)?,
        };
        if behind.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return Err(ProtocolError::UnbalancedQuotes);
        }
        args.push(arg);
        rest = behind.trim_ascii_start();
    }
    Ok(args)
}

type ParsedArg<'a> = Result<(Bytes, &'a [u8]), ProtocolError>;

/// Up to the next blank. A quote may begin in the middle: `a"b c"` is one argument.
fn parse_plain(rest: &[u8]) -> ParsedArg<'_> {
    let special = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    let end = rest.iter().position(special).unwrap_or(rest.len());
    let (head, behind) = rest.split_at(end);
    let (tail, behind) = match behind.first() {
        Some(b'"') => parse_double_quoted(&behind[1..])?,
        Some(b'\'') => parse_single_quoted(&behind[1..])?,
        _ => return Ok((Bytes::copy_from_slice(head), behind)),
    };
    Ok(([head, &tail].concat().into(), behind))
}

fn parse_double_quoted(mut rest: &[u8]) -> ParsedArg<'_> {
    let mut arg = Vec::new();
    loop {
        rest = match rest {
            [b'"', behind @ ..] => return Ok((arg.into(), behind)),
            [b'\\', b'x', high, low, behind @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                arg.push(hex_value(*high) << 4 | hex_value(*low));
                behind
            }
            [b'\\', byte, behind @ ..] => {
                arg.push(unescape_byte(*byte));
                behind
            }
            [byte, behind @ ..] => {
                arg.push(*byte);
                behind
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

fn parse_single_quoted(mut rest: &[u8]) -> ParsedArg<'_> {
    let mut arg = Vec::new();
    loop {
        rest = match rest {
            [b'\'', behind @ ..] => return Ok((arg.into(), behind)),
            [b'\\', b'\'', behind @ ..] => {
                arg.push(b'\'');
                behind
            }
            [byte, behind @ ..] => {
                arg.push(*byte);
                behind
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

fn unescape_byte(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// The value of a hexadecimal digit.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A') + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_redis_does() {
        let cases: [(&[u8], &[&[u8]]); 7] = [
            (b"", &[]),
            (b"  PING  ", &[b"PING"]),
            (b"SET a 'b c'", &[b"SET", b"a", b"b c"]),
            (br#"SET a "b\n\x41\"c\q""#, &[b"SET", b"a", b"b\nA\"cq"]),
            (br"SET a 'it\'s \n'", &[b"SET", b"a", br"it's \n"]),
            (br#"ECHO """#, &[b"ECHO", b""]),
            (br#"ECHO a"b c""#, &[b"ECHO", b"ab c"]),
        ];
        for (line, want) in cases {
            assert_eq!(split_line(line).unwrap(), want, "{line:?}");
        }
        for bad in [r#"ECHO "a"#, "ECHO 'a", r#"ECHO "a"b"#, r#"ECHO "a\"#] {
            assert_eq!(split_line(bad.as_bytes()), Err(ProtocolError::UnbalancedQuotes), "{bad}");
        }
    }
}
