//! `STRLEN key`: the length of its value, 0 without the key.

use crate::store::command::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, Storage, StorageError},
    store::{reply_writer::ReplyWriter, resp::Reply},
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "strlen",
    arity: 2,
    flags: &["readonly", "fast"],
    keys: (1, 1, 1),
    summary: "Returns the length of a string value.",
    since: "2.2.0",
    group: "string",
    parse: |request| {
        Ok(Command::Read(ReadCommand::Length(LengthCommand { keys: checked_keys(request)? })))
    },
};

/// A parsed `STRLEN`; its key is a list of one, as [`ReplyWriter::read_page`] takes it.
#[derive(Debug)]
pub(crate) struct LengthCommand {
    keys: Vec<Bytes>,
}

impl LengthCommand {
    pub(crate) async fn run(self, storage: &Storage, replies: &mut ReplyWriter) -> Reply {
        match replies.read_page(storage, &self.keys).await {
            Ok(page) => length_reply(page.first().and_then(Option::as_ref)),
            Err(error) => error.into(),
        }
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let Some(key) = self.keys.first() else { return Ok(Reply::Integer(0)) };
        Ok(length_reply(items.get(key)?.as_ref()))
    }
}

fn length_reply(value: Option<&Bytes>) -> Reply {
    Reply::from_count(value.map_or(0, Bytes::len) as u64)
}
