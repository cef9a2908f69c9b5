//! `COMMAND [COUNT | DOCS [name ...] | INFO [name ...] | LIST]`: what clients ask to know which
//! commands there are.

use super::{
    Command, CommandError, ReadCommand,
    spec::{COMMANDS, CommandSpec, find_command},
    unknown_subcommand,
};
use crate::store::resp::{Reply, Request};

pub(super) const SPEC: CommandSpec = CommandSpec {
    name: "command",
    arity: -1,
    flags: &["loading", "stale"],
    keys: (0, 0, 0),
    summary: "Returns detailed information about all commands.",
    since: "2.8.13",
    group: "server",
    parse,
};

fn parse(request: Request) -> Result<Command, CommandError> {
    let names = request.get(2..).unwrap_or_default();
    let reply = match request.get(1) {
        None => Reply::Array(COMMANDS.iter().map(command_entry).collect()),
        Some(subcommand) => match subcommand.to_ascii_lowercase().as_slice() {
            b"count" if names.is_empty() => Reply::from_count(COMMANDS.len() as u64),
            b"list" if names.is_empty() => {
                Reply::Array(COMMANDS.iter().map(|spec| Reply::bulk_text(spec.name)).collect())
            }
            b"count" => return Err(CommandError::wrong_arity("command|count")),
            b"info" if names.is_empty() => {
                Reply::Array(COMMANDS.iter().map(command_entry).collect())
            }
            b"info" => {
                let known =
                    |name: &bytes::Bytes| find_command(name).map_or(Reply::Nil, command_entry);
                Reply::Array(names.iter().map(known).collect())
            }
            b"docs" if names.is_empty() => {
                Reply::Array(COMMANDS.iter().flat_map(command_docs).collect())
            }
            b"docs" => Reply::Array(
                names.iter().filter_map(|name| find_command(name)).flat_map(command_docs).collect(),
            ),
            _ => return Err(unknown_subcommand("COMMAND", subcommand)),
        },
    };
    Ok(Command::Read(ReadCommand::Immediate(reply)))
}

/// Name, arity, flags, first and last key, and the distance between keys.
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

/// The name, and a map of what there is to say, which RESP2 has as a list.
fn command_docs(spec: &CommandSpec) -> [Reply; 2] {
    let pairs = [("summary", spec.summary), ("since", spec.since), ("group", spec.group)];
    let map =
        pairs.into_iter().flat_map(|(key, value)| [Reply::bulk_text(key), Reply::bulk_text(value)]);
    [Reply::bulk_text(spec.name), Reply::Array(map.collect())]
}
