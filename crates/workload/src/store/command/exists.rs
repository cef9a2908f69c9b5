//! `EXISTS key [key ...]`: how many there are; a key named twice counts twice.

use super::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{storage::Storage, store::resp::Reply};
use bytes::Bytes;

pub(super) const SPEC: CommandSpec = CommandSpec {
    name: "exists",
    arity: -2,
    flags: &["readonly", "fast"],
    keys: (1, -1, 1),
    summary: "Determines whether one or more keys exist.",
    since: "1.0.0",
    group: "generic",
    parse: |request| {
        Ok(Command::Read(ReadCommand::Exists(ExistsCommand { keys: checked_keys(request)? })))
    },
};

/// The keys.
#[derive(Debug)]
pub(crate) struct ExistsCommand {
    keys: Vec<Bytes>,
}

impl ExistsCommand {
    pub(super) async fn run(self, storage: &Storage) -> Reply {
        storage.count_existing(&self.keys).await.map_or_else(Reply::from, Reply::from_count)
    }
}
