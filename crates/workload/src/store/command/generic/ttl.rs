//! `TTL`, `PTTL`, `EXPIRETIME` and `PEXPIRETIME key`: when a key expires; -1 for never, -2 without the
//! key.

use crate::store::command::{
    Command, CommandError, ReadCommand, arguments, checked_key, spec::CommandSpec,
};
use crate::{
    storage::{ItemsMut, Storage, StorageError, now_millis},
    store::resp::{Reply, Request},
};
use bytes::Bytes;

pub(crate) const TTL: CommandSpec = CommandSpec {
    name: "ttl",
    arity: 2,
    flags: &["readonly", "fast"],
    keys: (1, 1, 1),
    summary: "Returns the expiration time in seconds of a key.",
    since: "1.0.0",
    group: "generic",
    parse: |request| parse(request, TimeFormat::SecondsLeft),
};

pub(crate) const PTTL: CommandSpec = CommandSpec {
    name: "pttl",
    summary: "Returns the expiration time in milliseconds of a key.",
    since: "2.6.0",
    parse: |request| parse(request, TimeFormat::MillisLeft),
    ..TTL
};

pub(crate) const EXPIRE_TIME: CommandSpec = CommandSpec {
    name: "expiretime",
    summary: "Returns the expiration time of a key as a Unix timestamp.",
    since: "7.0.0",
    parse: |request| parse(request, TimeFormat::UnixSeconds),
    ..TTL
};

pub(crate) const PEXPIRE_TIME: CommandSpec = CommandSpec {
    name: "pexpiretime",
    summary: "Returns the expiration time of a key as a Unix milliseconds timestamp.",
    since: "7.0.0",
    parse: |request| parse(request, TimeFormat::UnixMillis),
    ..TTL
};

/// A parsed command of this group.
#[derive(Debug)]
pub(crate) struct TtlCommand {
    key: Bytes,
    format: TimeFormat,
}

#[derive(Clone, Copy, Debug)]
enum TimeFormat {
    SecondsLeft,
    MillisLeft,
    UnixSeconds,
    UnixMillis,
}

fn parse(request: Request, format: TimeFormat) -> Result<Command, CommandError> {
    let key = checked_key(arguments(request).next().unwrap_or_default())?;
    Ok(Command::Read(ReadCommand::Ttl(TtlCommand { key, format })))
}

impl TtlCommand {
    pub(crate) async fn run(self, storage: &Storage) -> Reply {
        storage.expiry(&self.key).await.map_or_else(Reply::from, |expiry| self.reply(expiry))
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        Ok(self.reply(items.expiry(&self.key)?))
    }

    fn reply(&self, expiry: Option<Option<u64>>) -> Reply {
        let time = match expiry {
            None => return Reply::Integer(-2),
            Some(None) => return Reply::Integer(-1),
            Some(Some(time)) => time,
        };
        let left = time.saturating_sub(now_millis());
        Reply::from_count(match self.format {
            // As in Redis, rounded.
            TimeFormat::SecondsLeft => left.saturating_add(500) / 1000,
            TimeFormat::MillisLeft => left,
            TimeFormat::UnixSeconds => time / 1000,
            TimeFormat::UnixMillis => time,
        })
    }
}
