//! `KEYS pattern`: all keys that match, up to a bound. `SCAN` has none.

use crate::store::command::{Command, ReadCommand, arguments, spec::CommandSpec};
use crate::{
    storage::{Position, Storage},
    store::{
        bounds::budget::ARGUMENT_COST, command::generic::scan::parse_pattern, glob,
        reply_writer::ReplyWriter, resp::Reply,
    },
};
use bytes::Bytes;
use std::io;

/// The most memory of a reply: the bytes of each key, and [`ARGUMENT_COST`] for each.
const MAX_REPLY_COST: usize = 2 * 1024 * 1024;
/// The keys that are read at once.
const PAGE_SIZE: usize = 1000;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "keys",
    arity: 2,
    flags: &["readonly"],
    keys: (0, 0, 0),
    summary: "Returns all key names that match a pattern.",
    since: "1.0.0",
    group: "generic",
    parse: |request| {
        let pattern = parse_pattern(arguments(request).next().unwrap_or_default())?;
        Ok(Command::Read(ReadCommand::Keys(KeysCommand { pattern })))
    },
};

/// A parsed `KEYS`, with its pattern.
#[derive(Debug)]
pub(crate) struct KeysCommand {
    pattern: Bytes,
}

impl KeysCommand {
    /// A key that exists throughout is in the reply once.
    pub(crate) async fn run(
        self,
        storage: &Storage,
        replies: &mut ReplyWriter,
    ) -> io::Result<Reply> {
        replies.acquire_reply_place().await?;
        let (mut found, mut cost) = (Vec::new(), 0);
        let mut next = Some(Position::START);
        while let Some(start) = next {
            let (keys, after) = match storage.scan_keys(start, PAGE_SIZE).await {
                Ok(page) => page,
                Err(error) => return Ok(error.into()),
            };
            for key in keys.into_iter().filter(|key| glob::matches(&self.pattern, key)) {
                cost += key.len() + ARGUMENT_COST;
                found.push(Reply::Bulk(key));
            }
            if cost > MAX_REPLY_COST {
                let text = format!(
                    "ERR more keys match than the {} that a reply of KEYS has room for; use SCAN",
                    found.len()
                );
                return Ok(Reply::Error(text));
            }
            next = after;
        }
        Ok(Reply::Array(found))
    }
}
