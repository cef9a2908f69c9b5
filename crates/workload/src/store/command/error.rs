//! Why a request is refused.

use crate::store::resp::Reply;
use bytes::Bytes;

/// Why a request is refused: the text of the error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandError(String);

impl CommandError {
    pub(in crate::store) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn syntax_error() -> Self {
        Self::new("ERR syntax error")
    }

    pub(super) fn not_an_integer() -> Self {
        Self::new("ERR value is not an integer or out of range")
    }

    pub(super) fn invalid_expire_time(command: &str) -> Self {
        Self(format!("ERR invalid expire time in '{command}' command"))
    }

    pub(super) fn wrong_arity(name: &str) -> Self {
        Self(format!("ERR wrong number of arguments for '{name}' command"))
    }
}

impl From<CommandError> for Reply {
    fn from(error: CommandError) -> Self {
        Self::Error(error.0)
    }
}

pub(super) fn unknown_command(request: &[Bytes]) -> CommandError {
    /// The message shows this many bytes of the name, and of all arguments together.
    const SHOWN: usize = 128;
    let name = request.first().map_or_else(String::new, |name| text_prefix(name, SHOWN));
    let mut args = String::new();
    for arg in request.iter().skip(1) {
        if args.len() >= SHOWN {
            break;
        }
        args += &format!("'{}' ", text_prefix(arg, SHOWN - args.len()));
    }
    CommandError(format!("ERR unknown command '{name}', with args beginning with: {args}"))
}

/// At most the first `limit` bytes, as text.
fn text_prefix(bytes: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(bytes.get(..limit).unwrap_or(bytes)).into_owned()
}

pub(super) fn unknown_subcommand(command: &str, subcommand: &[u8]) -> CommandError {
    let name = text_prefix(subcommand, 128);
    CommandError(format!("ERR unknown subcommand '{name}'. Try {command} HELP."))
}
