//! `GET key`

use super::{Command, Read, keys, spec::Spec};
use crate::{
    storage::Storage,
    store::{output::Output, resp::Reply},
};
use bytes::Bytes;

pub(super) const SPEC: Spec = Spec {
    name: "get",
    arity: 2,
    flags: &["readonly", "fast"],
    keys: (1, 1, 1),
    summary: "Returns the string value of a key.",
    since: "1.0.0",
    group: "string",
    parse: |request| {
        let keys = keys(request)?;
        Ok(Command::Read(Read::Get(Get { keys })))
    },
};

/// The key, as a list of one.
#[derive(Debug)]
pub(crate) struct Get {
    keys: Vec<Bytes>,
}

impl Get {
    pub(super) async fn run(self, storage: &Storage, out: &mut Output) -> Reply {
        match out.page_of(storage, &self.keys).await {
            Ok(page) => Reply::optional(page.into_iter().next().flatten()),
            Err(error) => error.into(),
        }
    }
}
