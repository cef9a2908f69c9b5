//! `EXPIRE`, `PEXPIRE`, `EXPIREAT` and `PEXPIREAT key time [NX | XX | GT | LT]`, and `PERSIST key`: when
//! a key expires.

use crate::store::command::{
    Command, CommandError, WriteCommand, arguments, checked_key,
    expiry_time::{TimeUnit, expiry_time},
    parse_integer,
    spec::CommandSpec,
};
use crate::{
    storage::{ItemsMut, StorageError, now_millis},
    store::resp::{Reply, Request},
};
use bytes::Bytes;

pub(crate) const EXPIRE: CommandSpec = CommandSpec {
    name: "expire",
    arity: -3,
    flags: &["write", "fast"],
    keys: (1, 1, 1),
    summary: "Sets the expiration time of a key in seconds.",
    since: "1.0.0",
    group: "generic",
    parse: |request| parse(request, TimeUnit::SECONDS_FROM_NOW, "expire"),
};

pub(crate) const PEXPIRE: CommandSpec = CommandSpec {
    name: "pexpire",
    summary: "Sets the expiration time of a key in milliseconds.",
    since: "2.6.0",
    parse: |request| parse(request, TimeUnit::MILLIS_FROM_NOW, "pexpire"),
    ..EXPIRE
};

pub(crate) const EXPIRE_AT: CommandSpec = CommandSpec {
    name: "expireat",
    summary: "Sets the expiration time of a key to a Unix timestamp.",
    since: "1.2.0",
    parse: |request| parse(request, TimeUnit::UNIX_SECONDS, "expireat"),
    ..EXPIRE
};

pub(crate) const PEXPIRE_AT: CommandSpec = CommandSpec {
    name: "pexpireat",
    summary: "Sets the expiration time of a key to a Unix milliseconds timestamp.",
    since: "2.6.0",
    parse: |request| parse(request, TimeUnit::UNIX_MILLIS, "pexpireat"),
    ..EXPIRE
};

pub(crate) const PERSIST: CommandSpec = CommandSpec {
    name: "persist",
    arity: 2,
    summary: "Removes the expiration time of a key.",
    since: "2.2.0",
    parse: |request| {
        let key = checked_key(arguments(request).next().unwrap_or_default())?;
        let expire = ExpireCommand { key, time: None, condition: ExpireCondition::default() };
        Ok(Command::Write(WriteCommand::Expire(expire)))
    },
    ..EXPIRE
};

/// A parsed command of this group.
#[derive(Debug)]
pub(crate) struct ExpireCommand {
    pub(in crate::store::command) key: Bytes,
    /// The time, in milliseconds since 1970; none to expire never.
    time: Option<u64>,
    condition: ExpireCondition,
}

/// When the time is set: depends on the one that the key has.
#[derive(Clone, Copy, Debug, Default)]
struct ExpireCondition {
    only_without: bool,
    only_with: bool,
    only_later: bool,
    only_earlier: bool,
}

impl ExpireCondition {
    /// As in Redis, a key that never expires counts as one that expires after all others.
    fn is_met(self, current: Option<u64>, new: u64) -> bool {
        let current_or_never = current.unwrap_or(u64::MAX);
        !(self.only_without && current.is_some()
            || self.only_with && current.is_none()
            || self.only_later && new <= current_or_never
            || self.only_earlier && new >= current_or_never)
    }

    fn parse(options: impl Iterator<Item = Bytes>) -> Result<Self, CommandError> {
        let mut condition = Self::default();
        for option in options {
            match option.to_ascii_uppercase().as_slice() {
                b"NX" => condition.only_without = true,
                b"XX" => condition.only_with = true,
                b"GT" => condition.only_later = true,
                b"LT" => condition.only_earlier = true,
                _ => {
                    let option = String::from_utf8_lossy(&option);
                    return Err(CommandError::new(format!("ERR Unsupported option {option}")));
                }
            }
        }
        let Self { only_without, only_with, only_later, only_earlier } = condition;
        if only_without && (only_with || only_later || only_earlier) {
            return Err(CommandError::new(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if only_later && only_earlier {
            return Err(CommandError::new(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(condition)
    }
}

fn parse(request: Request, unit: TimeUnit, name: &str) -> Result<Command, CommandError> {
    let mut args = arguments(request);
    let (Some(key), Some(time)) = (args.next(), args.next()) else {
        return Err(CommandError::wrong_arity(name));
    };
    let key = checked_key(key)?;
    let time = Some(expiry_time(parse_integer(&time)?, unit, name)?);
    let condition = ExpireCondition::parse(args)?;
    Ok(Command::Write(WriteCommand::Expire(ExpireCommand { key, time, condition })))
}

impl ExpireCommand {
    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let Some(current) = items.expiry(&self.key)? else { return Ok(Reply::Integer(0)) };
        let changed = match self.time {
            None => current.is_some() && items.set_expiry(&self.key, None)?,
            Some(time) if !self.condition.is_met(current, time) => false,
            // As in Redis, a time that has passed deletes the key.
            Some(time) if time <= now_millis() => items.delete(&self.key)?,
            Some(time) => items.set_expiry(&self.key, Some(time))?,
        };
        Ok(Reply::Integer(i64::from(changed)))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::command::tests::error_text;

    #[test]
    fn invalid_times_and_options_get_the_error_of_redis() {
        let cases: [(&[&str], &str); 6] = [
            (&["expire", "a", "x"], "ERR value is not an integer or out of range"),
            (
                &["expire", "a", "9223372036854775807"],
                "ERR invalid expire time in 'expire' command",
            ),
            (
                &["pexpire", "a", "9223372036854775807"],
                "ERR invalid expire time in 'pexpire' command",
            ),
            (&["expire", "a", "1", "y"], "ERR Unsupported option y"),
            (
                &["expire", "a", "1", "NX", "GT"],
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ),
            (
                &["expire", "a", "1", "LT", "GT"],
                "ERR GT and LT options at the same time are not compatible",
            ),
        ];
        for (words, expected) in cases {
            assert_eq!(error_text(words), expected, "{words:?}");
        }
    }
}
