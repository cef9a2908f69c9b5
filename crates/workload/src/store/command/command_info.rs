//! `COMMAND [COUNT | DOCS [name ...] | INFO [name ...] | LIST]`: what clients ask to know which
//! commands there are.

use super::{
    Command, Read, Refusal,
    spec::{COMMANDS, Spec, find},
    unknown_subcommand,
};
use crate::store::resp::{Reply, Request};

pub(super) const SPEC: Spec = Spec {
    name: "command",
    arity: -1,
    flags: &["loading", "stale"],
    keys: (0, 0, 0),
    summary: "Returns detailed information about all commands.",
    since: "2.8.13",
    group: "server",
    parse,
};

fn parse(request: Request) -> Result<Command, Refusal> {
    let names = request.get(2..).unwrap_or_default();
    let reply = match request.get(1) {
        None => Reply::Array(COMMANDS.iter().map(info).collect()),
        Some(subcommand) => match subcommand.to_ascii_lowercase().as_slice() {
            b"count" if names.is_empty() => Reply::count(COMMANDS.len() as u64),
            b"list" if names.is_empty() => {
                Reply::Array(COMMANDS.iter().map(|spec| Reply::text(spec.name)).collect())
            }
            b"count" => return Err(Refusal::arity("command|count")),
            b"info" if names.is_empty() => Reply::Array(COMMANDS.iter().map(info).collect()),
            b"info" => {
                let known = |name: &bytes::Bytes| find(name).map_or(Reply::Nil, info);
                Reply::Array(names.iter().map(known).collect())
            }
            b"docs" if names.is_empty() => Reply::Array(COMMANDS.iter().flat_map(docs).collect()),
            b"docs" => {
                Reply::Array(names.iter().filter_map(|name| find(name)).flat_map(docs).collect())
            }
            _ => return Err(unknown_subcommand("COMMAND", subcommand)),
        },
    };
    Ok(Command::Read(Read::Known(reply)))
}

/// Name, arity, flags, first and last key, and the distance between keys.
fn info(spec: &Spec) -> Reply {
    let flags = spec.flags.iter().copied().map(Reply::Simple).collect();
    let (first, last, step) = spec.keys;
    Reply::Array(vec![
        Reply::text(spec.name),
        Reply::Integer(spec.arity),
        Reply::Array(flags),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
    ])
}

/// The name, and a map of what there is to say, which RESP2 has as a list.
fn docs(spec: &Spec) -> [Reply; 2] {
    let pairs = [("summary", spec.summary), ("since", spec.since), ("group", spec.group)];
    let map = pairs.into_iter().flat_map(|(key, value)| [Reply::text(key), Reply::text(value)]);
    [Reply::text(spec.name), Reply::Array(map.collect())]
}
