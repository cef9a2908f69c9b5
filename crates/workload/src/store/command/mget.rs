//! `MGET key [key ...]`: large replies leave in pages, each of one moment.

use super::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::Storage,
    store::{reply_writer::ReplyWriter, resp::Reply},
};
use bytes::Bytes;
use std::io;

pub(super) const SPEC: CommandSpec = CommandSpec {
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

/// The keys.
#[derive(Debug)]
pub(crate) struct MultiGetCommand {
    keys: Vec<Bytes>,
}

impl MultiGetCommand {
    /// Writes the reply page by page; gives it back only if it is an error.
    pub(super) async fn run(
        self,
        storage: &Storage,
        out: &mut ReplyWriter,
    ) -> io::Result<Option<Reply>> {
        let mut page = match out.read_page(storage, &self.keys).await {
            Ok(page) => page,
            Err(error) => return Ok(Some(error.into())),
        };
        out.push_array_header(self.keys.len());
        let mut done = 0;
        loop {
            done += page.len();
            for value in page {
                out.push(&Reply::bulk_or_nil(value));
            }
            if done >= self.keys.len() {
                return Ok(None);
            }
            out.flush_if_full().await?;
            // The reply has begun, so an error can only end the connection.
            page = out.read_page(storage, &self.keys[done..]).await.map_err(io::Error::other)?;
        }
    }
}
