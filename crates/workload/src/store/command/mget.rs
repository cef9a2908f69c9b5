//! `MGET key [key ...]`: large replies leave in pages, each of one moment.

use super::{Command, Read, keys, spec::Spec};
use crate::{
    storage::Storage,
    store::{output::Output, resp::Reply},
};
use bytes::Bytes;
use std::io;

pub(super) const SPEC: Spec = Spec {
    name: "mget",
    arity: -2,
    flags: &["readonly", "fast"],
    keys: (1, -1, 1),
    summary: "Atomically returns the string values of one or more keys.",
    since: "1.0.0",
    group: "string",
    parse: |request| Ok(Command::Read(Read::MultiGet(MultiGet { keys: keys(request)? }))),
};

/// The keys.
#[derive(Debug)]
pub(crate) struct MultiGet {
    keys: Vec<Bytes>,
}

impl MultiGet {
    /// Writes the reply page by page; gives it back only if it is an error.
    pub(super) async fn run(
        self,
        storage: &Storage,
        out: &mut Output,
    ) -> io::Result<Option<Reply>> {
        let mut page = match out.page_of(storage, &self.keys).await {
            Ok(page) => page,
            Err(error) => return Ok(Some(error.into())),
        };
        out.push_array_of(self.keys.len());
        let mut done = 0;
        loop {
            done += page.len();
            for value in page {
                out.push(&Reply::optional(value));
            }
            if done >= self.keys.len() {
                return Ok(None);
            }
            out.relieve().await?;
            // The reply has begun, so an error can only end the connection.
            page = out.page_of(storage, &self.keys[done..]).await.map_err(io::Error::other)?;
        }
    }
}
