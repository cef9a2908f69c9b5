//! `GET key`

use super::{Command, ReadCommand, checked_keys, spec::CommandSpec};
use crate::{
    storage::Storage,
    store::{reply_writer::ReplyWriter, resp::Reply},
};
use bytes::Bytes;

pub(super) const SPEC: CommandSpec = CommandSpec {
    name: "get",
    arity: 2,
    flags: &["readonly", "fast"],
    keys: (1, 1, 1),
    summary: "Returns the string value of a key.",
    since: "1.0.0",
    group: "string",
    parse: |request| {
        let keys = checked_keys(request)?;
        Ok(Command::Read(ReadCommand::Get(GetCommand { keys })))
    },
};

/// The key, as a list of one.
#[derive(Debug)]
pub(crate) struct GetCommand {
    keys: Vec<Bytes>,
}

impl GetCommand {
    pub(super) async fn run(self, storage: &Storage, out: &mut ReplyWriter) -> Reply {
        match out.read_page(storage, &self.keys).await {
            Ok(page) => Reply::bulk_or_nil(page.into_iter().next().flatten()),
            Err(error) => error.into(),
        }
    }
}
