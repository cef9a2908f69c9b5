//! `TYPE key`: every value is a string.

use crate::store::command::{Command, ReadCommand, arguments, checked_key, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, Storage, StorageError},
    store::resp::Reply,
};
use bytes::Bytes;

/// The type of every value.
pub(super) const STRING: &str = "string";

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "type",
    arity: 2,
    flags: &["readonly", "fast"],
    keys: (1, 1, 1),
    summary: "Determines the type of value stored at a key.",
    since: "1.0.0",
    group: "generic",
    parse: |request| {
        let key = checked_key(arguments(request).next().unwrap_or_default())?;
        Ok(Command::Read(ReadCommand::Type(TypeCommand { key })))
    },
};

/// A parsed `TYPE`, with its key.
#[derive(Debug)]
pub(crate) struct TypeCommand {
    key: Bytes,
}

impl TypeCommand {
    pub(crate) async fn run(self, storage: &Storage) -> Reply {
        let existing = storage.count_existing(&[self.key]).await;
        existing.map_or_else(Reply::from, |count| type_reply(count > 0))
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        Ok(type_reply(items.expiry(&self.key)?.is_some()))
    }
}

fn type_reply(exists: bool) -> Reply {
    Reply::Simple(if exists { STRING } else { "none" })
}
