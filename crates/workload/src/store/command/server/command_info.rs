//! `COMMAND [COUNT | DOCS [name ...] | INFO [name ...] | LIST]`: the commands of this server.

use crate::store::{
    command::{
        Command, CommandError, ReadCommand,
        spec::{CommandSpec, find_command},
        unknown_subcommand,
    },
    resp::{Reply, Request},
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "command",
    arity: -1,
    flags: &["loading", "stale"],
    keys: (0, 0, 0),
    summary: "Returns detailed information about all commands.",
    since: "2.8.13",
    group: "server",
    parse,
};

/// A parsed `COMMAND`. Without names, `INFO` and `DOCS` are about all commands.
#[derive(Debug)]
pub(crate) enum CommandQuery {
    Count,
    List,
    Info(Vec<Bytes>),
    Docs(Vec<Bytes>),
}

fn parse(request: Request) -> Result<Command, CommandError> {
    let names = request.get(2..).unwrap_or_default();
    let query = match request.get(1) {
        None => CommandQuery::Info(vec![]),
        Some(subcommand) => match subcommand.to_ascii_lowercase().as_slice() {
            b"count" if names.is_empty() => CommandQuery::Count,
            b"count" => return Err(CommandError::wrong_arity("command|count")),
            b"list" if names.is_empty() => CommandQuery::List,
            b"info" => CommandQuery::Info(names.to_vec()),
            b"docs" => CommandQuery::Docs(names.to_vec()),
            _ => return Err(unknown_subcommand("COMMAND", subcommand)),
        },
    };
    Ok(Command::Read(ReadCommand::Commands(query)))
}

impl CommandQuery {
    /// The reply about `commands`, which are all commands of the server.
    pub(in crate::store::command) fn run(self, commands: &[CommandSpec]) -> Reply {
        let replies: Vec<Reply> = match self {
            Self::Count => return Reply::from_count(commands.len() as u64),
            Self::List => commands.iter().map(|spec| Reply::bulk_text(spec.name)).collect(),
            Self::Info(names) if names.is_empty() => commands.iter().map(command_entry).collect(),
            Self::Info(names) => names
                .iter()
                .map(|name| find_command(commands, name).map_or(Reply::Nil, command_entry))
                .collect(),
            Self::Docs(names) if names.is_empty() => {
                return Reply::Map(commands.iter().map(command_docs).collect());
            }
            Self::Docs(names) => {
                let found = names.iter().filter_map(|name| find_command(commands, name));
                return Reply::Map(found.map(command_docs).collect());
            }
        };
        Reply::Array(replies)
    }
}

/// Name, arity, flags, first and last key, step between keys.
fn command_entry(spec: &CommandSpec) -> Reply {
    let flags = spec.flags.iter().copied().map(Reply::Simple).collect();
    let (first, last, step) = spec.keys;
    Reply::Array(vec![
        Reply::bulk_text(spec.name),
        Reply::Integer(spec.arity),
        Reply::Array(flags),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
    ])
}

/// The name, and a map of the documentation.
fn command_docs(spec: &CommandSpec) -> (Reply, Reply) {
    let pairs = [("summary", spec.summary), ("since", spec.since), ("group", spec.group)];
    let map =
        pairs.into_iter().map(|(key, value)| (Reply::bulk_text(key), Reply::bulk_text(value)));
    (Reply::bulk_text(spec.name), Reply::Map(map.collect()))
}
