//! `EXISTS key [key ...]`: how many there are; a key named twice counts twice.

use super::{Command, Read, keys, spec::Spec};
use crate::{storage::Storage, store::resp::Reply};
use bytes::Bytes;

pub(super) const SPEC: Spec = Spec {
    name: "exists",
    arity: -2,
    flags: &["readonly", "fast"],
    keys: (1, -1, 1),
    summary: "Determines whether one or more keys exist.",
    since: "1.0.0",
    group: "generic",
    parse: |request| Ok(Command::Read(Read::Exists(Exists { keys: keys(request)? }))),
};

/// The keys.
#[derive(Debug)]
pub(crate) struct Exists {
    keys: Vec<Bytes>,
}

impl Exists {
    pub(super) async fn run(self, storage: &Storage) -> Reply {
        storage.count_of(&self.keys).await.map_or_else(Reply::from, Reply::count)
    }
}
