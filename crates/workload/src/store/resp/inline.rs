//! Inline requests: a line typed into telnet, or the `PING` of a health check.

use super::ProtocolError;
use bytes::Bytes;

/// Splits a line at blanks. `"..."` has the escapes `\n \r \t \b \a \xHH`, and `\` before any other
/// byte; `'...'` has only `\'`. A blank or the end must follow a closing quote.
pub(super) fn split_line(line: &[u8]) -> Result<Vec<Bytes>, ProtocolError> {
    let mut args = Vec::new();
    let mut rest = line.trim_ascii_start();
    while let Some(first) = rest.first() {
        let (arg, after) = match first {
            b'"' => parse_double_quoted(&rest[1..])?,
            b'\'' => parse_single_quoted(&rest[1..])?,
            _ => parse_plain(rest)?,
        };
        if after.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return Err(ProtocolError::UnbalancedQuotes);
        }
        args.push(arg);
        rest = after.trim_ascii_start();
    }
    Ok(args)
}

type ParsedArg<'a> = Result<(Bytes, &'a [u8]), ProtocolError>;

/// The argument up to the next blank. A quote may start within it: `a"b c"` is one argument.
fn parse_plain(rest: &[u8]) -> ParsedArg<'_> {
    let end = rest
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
        .unwrap_or(rest.len());
    let (head, after) = rest.split_at(end);
    let (tail, after) = match after.first() {
        Some(b'"') => parse_double_quoted(&after[1..])?,
        Some(b'\'') => parse_single_quoted(&after[1..])?,
        _ => return Ok((Bytes::copy_from_slice(head), after)),
    };
    Ok(([head, &tail].concat().into(), after))
}

fn parse_double_quoted(mut rest: &[u8]) -> ParsedArg<'_> {
    let mut arg = Vec::new();
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Ok((arg.into(), after)),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                arg.push(hex_value(*high) << 4 | hex_value(*low));
                after
            }
            [b'\\', byte, after @ ..] => {
                arg.push(unescape_byte(*byte));
                after
            }
            [byte, after @ ..] => {
                arg.push(*byte);
                after
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

fn parse_single_quoted(mut rest: &[u8]) -> ParsedArg<'_> {
    let mut arg = Vec::new();
    loop {
        rest = match rest {
            [b'\'', after @ ..] => return Ok((arg.into(), after)),
            [b'\\', b'\'', after @ ..] => {
                arg.push(b'\'');
                after
            }
            [byte, after @ ..] => {
                arg.push(*byte);
                after
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
    fn lines_are_split_as_in_redis() {
        let cases: [(&[u8], &[&[u8]]); 7] = [
            (b"", &[]),
            (b"  PING  ", &[b"PING"]),
            (b"SET a 'b c'", &[b"SET", b"a", b"b c"]),
            (br#"SET a "b\n\x41\"c\q""#, &[b"SET", b"a", b"b\nA\"cq"]),
            (br"SET a 'it\'s \n'", &[b"SET", b"a", br"it's \n"]),
            (br#"ECHO """#, &[b"ECHO", b""]),
            (br#"ECHO a"b c""#, &[b"ECHO", b"ab c"]),
        ];
        for (line, expected) in cases {
            assert_eq!(split_line(line).unwrap(), expected, "{line:?}");
        }
        for bad in [r#"ECHO "a"#, "ECHO 'a", r#"ECHO "a"b"#, r#"ECHO "a\"#] {
            assert_eq!(split_line(bad.as_bytes()), Err(ProtocolError::UnbalancedQuotes), "{bad}");
        }
    }
}
