//! The table of commands: what `COMMAND` tells of each, and how it is parsed.

use super::{
    Command, CommandError, client, command_info, dbsize, del, echo, exists, get, info, mget, ping,
    quit, scan, set,
};
use crate::store::resp::Request;

/// A command.
#[derive(Debug)]
pub(super) struct CommandSpec {
    /// In lower case; requests may use any.
    pub(super) name: &'static str,
    /// How many arguments, the name among them; below 0: at least as many.
    pub(super) arity: i64,
    /// What clients want to know of it, in Redis' words.
    pub(super) flags: &'static [&'static str],
    /// The first and the last argument that is a key, and the distance between keys.
    pub(super) keys: (i64, i64, i64),
    /// One line for `COMMAND DOCS`.
    pub(super) summary: &'static str,
    /// The version of Redis that has had it first.
    pub(super) since: &'static str,
    /// Redis' group of commands.
    pub(super) group: &'static str,
    /// Understands a request whose number of arguments is right.
    pub(super) parse: fn(Request) -> Result<Command, CommandError>,
}

impl CommandSpec {
    /// Whether the command takes so many arguments, its name among them.
    pub(super) fn accepts(&self, arguments: usize) -> bool {
        let arguments = i64::try_from(arguments).unwrap_or(i64::MAX);
        if self.arity < 0 { arguments >= -self.arity } else { arguments == self.arity }
    }
}

/// All commands, by name.
pub(super) static COMMANDS: &[CommandSpec] = &[
    client::SPEC,
    command_info::SPEC,
    dbsize::SPEC,
    del::SPEC,
    echo::SPEC,
    exists::SPEC,
    get::SPEC,
    info::SPEC,
    mget::SPEC,
    ping::SPEC,
    quit::SPEC,
    scan::SPEC,
    set::SPEC,
];

/// The command of this name, in any case.
pub(super) fn find_command(name: &[u8]) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
}
