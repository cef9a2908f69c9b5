//! The description of a command: what `COMMAND` reports, and how a request is parsed.

use super::{Command, CommandError};
use crate::store::resp::Request;

#[derive(Debug)]
pub(super) struct CommandSpec {
    /// In lower case; the name in a request may have any case.
    pub(super) name: &'static str,
    /// The number of arguments, the name included; a negative number is a minimum.
    pub(super) arity: i64,
    /// Redis' flags of the command.
    pub(super) flags: &'static [&'static str],
    /// The index of the first and the last argument that is a key, and the step between keys.
    pub(super) keys: (i64, i64, i64),
    /// One line for `COMMAND DOCS`.
    pub(super) summary: &'static str,
    /// The version of Redis that introduced the command.
    pub(super) since: &'static str,
    /// Redis' group of the command.
    pub(super) group: &'static str,
    /// Parses a request whose number of arguments is accepted.
    pub(super) parse: fn(Request) -> Result<Command, CommandError>,
}

impl CommandSpec {
    /// Whether a request may have this number of arguments, the name included.
    pub(super) fn accepts(&self, arguments: usize) -> bool {
        let count = i64::try_from(arguments).unwrap_or(i64::MAX);
        if self.arity < 0 { count >= -self.arity } else { count == self.arity }
    }
}

/// The command with this name, in any case.
pub(super) fn find_command<'a>(
    commands: &'a [CommandSpec],
    name: &[u8],
) -> Option<&'a CommandSpec> {
    commands.iter().find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
}
