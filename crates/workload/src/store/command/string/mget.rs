//! `MGET key [key ...]`: a large reply is sent in pages, each from one snapshot.

use crate::store::command::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::{ItemsMut, PAGE_BYTES, Storage, StorageError},
    store::{bounds::budget::ARGUMENT_COST, reply_writer::ReplyWriter, resp::Reply},
};
use bytes::Bytes;
use std::io;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "mget",
    arity: -2,
    flags: &["readonly", "fast"],
    keys: (1, -1, 1),
    summary: "Atomically returns the string values of one or more keys.",
    since: "1.0.0",
    group: "string",
    parse: |request| {
        Ok(Command::Read(ReadCommand::MultiGet(MultiGetCommand { keys: checked_keys(request)? })))
    },
};

/// A parsed `MGET`, with its keys.
#[derive(Debug)]
pub(crate) struct MultiGetCommand {
    keys: Vec<Bytes>,
}

impl MultiGetCommand {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len() + ARGUMENT_COST).sum()
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let mut values = Vec::with_capacity(self.keys.len());
        let mut bytes = 0;
        for key in &self.keys {
            let value = Reply::bulk_or_nil(items.get(key)?);
            bytes += value.value_bytes();
            if bytes > PAGE_BYTES {
                let text = "ERR the values are too large for a transaction; read them outside";
                return Ok(Reply::Error(text.to_owned()));
            }
            values.push(value);
        }
        Ok(Reply::Array(values))
    }

    /// Writes the reply page by page; returns a reply only if it is an error.
    pub(crate) async fn run(
        self,
        storage: &Storage,
        replies: &mut ReplyWriter,
    ) -> io::Result<Option<Reply>> {
        let mut page = match replies.read_page(storage, &self.keys).await {
            Ok(page) => page,
            Err(error) => return Ok(Some(error.into())),
        };
        replies.push_array_header(self.keys.len());
        let mut done = 0;
        loop {
            done += page.len();
            for value in page {
                replies.push(&Reply::bulk_or_nil(value));
            }
            if done >= self.keys.len() {
                return Ok(None);
            }
            replies.flush_if_full().await?;
            // The array has begun, so an error can only close the connection.
            page =
                replies.read_page(storage, &self.keys[done..]).await.map_err(io::Error::other)?;
        }
    }
}
