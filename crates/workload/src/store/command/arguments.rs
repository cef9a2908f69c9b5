//! The arguments of a request.

use super::CommandError;
use crate::{storage::MAX_KEY, store::resp::Request};
use bytes::Bytes;

/// The arguments after the command's name.
pub(super) fn arguments(request: Request) -> std::vec::IntoIter<Bytes> {
    let mut args = request.into_iter();
    args.next();
    args
}

/// Whether a name is that of a line of an HTTP request. As in Redis, a request of a browser that a web
/// page sends to a store ends with its first line or header, before its body is executed.
pub(super) fn is_http(name: &[u8]) -> bool {
    [b"post".as_slice(), b"host:"].iter().any(|line| name.eq_ignore_ascii_case(line))
}

/// The argument as a number.
pub(super) fn parse_integer(arg: &[u8]) -> Result<i64, CommandError> {
    let number = str::from_utf8(arg).ok().filter(|digits| !digits.starts_with('+'));
    number.and_then(|digits| digits.parse().ok()).ok_or_else(CommandError::not_an_integer)
}

/// The argument as a key; refused above [`MAX_KEY`].
pub(super) fn checked_key(arg: Bytes) -> Result<Bytes, CommandError> {
    if arg.len() > MAX_KEY {
        let text =
            format!("ERR a key may have at most {MAX_KEY} bytes, this one has {}", arg.len());
        return Err(CommandError::new(text));
    }
    Ok(arg)
}

/// All arguments after the name, as keys.
pub(super) fn checked_keys(request: Request) -> Result<Vec<Bytes>, CommandError> {
    arguments(request).map(checked_key).collect()
}
