//! `MSET key value [key value ...]`: sets all keys at once.

use crate::store::command::{
    Command, CommandError, WriteCommand, arguments, checked_key, spec::CommandSpec,
};
use crate::{
    storage::{Expiry, ItemsMut, StorageError},
    store::{
        bounds::budget::ARGUMENT_COST,
        resp::{Reply, Request},
    },
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "mset",
    arity: -3,
    flags: &["write", "denyoom"],
    keys: (1, -1, 2),
    summary: "Atomically creates or modifies the string values of one or more keys.",
    since: "1.0.1",
    group: "string",
    parse,
};

/// A parsed `MSET`: keys and values in turn.
#[derive(Debug)]
pub(crate) struct MultiSetCommand {
    pairs: Vec<Bytes>,
}

fn parse(request: Request) -> Result<Command, CommandError> {
    let pairs: Vec<Bytes> = arguments(request).collect();
    if pairs.len() % 2 == 1 {
        return Err(CommandError::wrong_arity(SPEC.name));
    }
    pairs.iter().step_by(2).try_for_each(|key| checked_key(key.clone()).map(drop))?;
    Ok(Command::Write(WriteCommand::MultiSet(MultiSetCommand { pairs })))
}

impl MultiSetCommand {
    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.as_chunks().0.iter().map(|[key, value]| (&key[..], &value[..]))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.pairs.iter().map(|arg| arg.len() + ARGUMENT_COST).sum()
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        // One of the writes that is refused would leave the others applied.
        items.require_room_for(self.pairs())?;
        for (key, value) in self.pairs() {
            items.put(key, value, Expiry::Never)?;
        }
        Ok(Reply::OK)
    }
}
