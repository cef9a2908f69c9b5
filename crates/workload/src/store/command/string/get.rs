//! `GET key`

use crate::store::command::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, Storage, StorageError},
    store::{reply_writer::ReplyWriter, resp::Reply},
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "get",
    arity: 2,
    flags: &["readonly", "fast"],
    keys: (1, 1, 1),
    summary: "Returns the string value of a key.",
    since: "1.0.0",
    group: "string",
    parse: |request| {
        Ok(Command::Read(ReadCommand::Get(GetCommand { keys: checked_keys(request)? })))
    },
};

/// A parsed `GET`; its key is a list of one, as [`ReplyWriter::read_page`] takes it.
#[derive(Debug)]
pub(crate) struct GetCommand {
    keys: Vec<Bytes>,
}

impl GetCommand {
    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let Some(key) = self.keys.first() else { return Ok(Reply::Nil) };
        Ok(Reply::bulk_or_nil(items.get(key)?))
    }

    /// Executes the command; none if the reply is written to `replies` already.
    pub(crate) async fn run(self, storage: &Storage, replies: &mut ReplyWriter) -> Option<Reply> {
        let key = self.keys.first()?;
        match replies.try_push_value(storage, key) {
            Ok(true) => return None,
            Ok(false) => {}
            Err(error) => return Some(error.into()),
        }
        Some(match replies.read_page(storage, &self.keys).await {
            Ok(page) => Reply::bulk_or_nil(page.into_iter().next().flatten()),
            Err(error) => error.into(),
        })
    }
}
