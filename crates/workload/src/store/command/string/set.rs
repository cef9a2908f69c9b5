//! `SET key value [NX | XX | IFEQ value] [GET] [EX seconds | PX milliseconds | EXAT seconds | PXAT
//! milliseconds | KEEPTTL]`
//!
//! `IFEQ` is the compare-and-set of Redis 8.4 and Valkey 8.1: it stores the value only if the current
//! value equals the other one.

use crate::store::command::{
    Command, CommandError, WriteCommand, arguments, checked_key,
    expiry_time::{TimeUnit, positive_expiry_time},
    parse_integer,
    spec::CommandSpec,
};
use crate::{
    storage::{Change, Expiry, ItemsMut, StorageError},
    store::resp::{Reply, Request},
};
use bytes::Bytes;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "set",
    arity: -3,
    flags: &["write", "denyoom"],
    keys: (1, 1, 1),
    summary: "Sets the string value of a key, ignoring its type. The key is created if it doesn't \
              exist.",
    since: "1.0.0",
    group: "string",
    parse: |request| Ok(Command::Write(WriteCommand::Set(SetCommand::parse(request)?))),
};

/// A parsed `SET`, with its key within the limit.
#[derive(Debug)]
pub(crate) struct SetCommand {
    key: Bytes,
    value: Bytes,
    condition: SetCondition,
    expiry: Expiry,
    reply: SetReply,
}

/// The condition for storing the value.
#[derive(Debug, PartialEq, Eq)]
enum SetCondition {
    Always,
    Absent,
    Present,
    Equals(Bytes),
}

/// What the reply tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetReply {
    /// `OK`, or nil if the condition is not met.
    Outcome,
    /// The previous value.
    Previous,
    /// 1, or 0 if the condition is not met.
    Count,
}

impl SetCondition {
    fn is_met(&self, before: Option<&[u8]>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => before.is_none(),
            Self::Present => before.is_some(),
            Self::Equals(value) => before == Some(&**value),
        }
    }
}

impl SetCommand {
    /// Stores `value` in any case.
    pub(super) fn unconditional(key: Bytes, value: Bytes, expiry: Expiry) -> Self {
        let condition = SetCondition::Always;
        Self { key, value, condition, expiry, reply: SetReply::Outcome }
    }

    /// `SETNX`: stores `value` only if the key does not exist.
    pub(super) fn if_absent(key: Bytes, value: Bytes) -> Self {
        let set = Self::unconditional(key, value, Expiry::Never);
        Self { condition: SetCondition::Absent, reply: SetReply::Count, ..set }
    }

    fn parse(request: Request) -> Result<Self, CommandError> {
        let mut args = arguments(request);
        let (Some(key), Some(value)) = (args.next(), args.next()) else {
            return Err(CommandError::wrong_arity(SPEC.name));
        };
        let mut set = Self::unconditional(checked_key(key)?, value, Expiry::Never);
        let mut has_expiry = false;
        while let Some(option) = args.next() {
            let option = option.to_ascii_uppercase();
            let condition = match option.as_slice() {
                b"GET" => {
                    set.reply = SetReply::Previous;
                    continue;
                }
                b"EX" | b"PX" | b"EXAT" | b"PXAT" | b"KEEPTTL" if !has_expiry => {
                    has_expiry = true;
                    set.expiry = parse_expiry(&option, &mut args)?;
                    continue;
                }
                b"NX" => SetCondition::Absent,
                b"XX" => SetCondition::Present,
                b"IFEQ" => {
                    SetCondition::Equals(args.next().ok_or_else(CommandError::syntax_error)?)
                }
                _ => return Err(CommandError::syntax_error()),
            };
            if set.condition != SetCondition::Always {
                return Err(CommandError::syntax_error());
            }
            set.condition = condition;
        }
        Ok(set)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let other = match &self.condition {
            SetCondition::Equals(value) => value.len(),
            _ => 0,
        };
        self.key.len() + self.value.len() + other
    }

    pub(crate) fn replies_with_value(&self) -> bool {
        self.reply == SetReply::Previous
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let Self { key, value, condition, expiry, reply } = self;
        if condition == SetCondition::Always && reply == SetReply::Outcome {
            items.put(&key, &value, expiry)?;
            return Ok(Reply::OK);
        }
        items.update(&key, |before| {
            let is_met = condition.is_met(before);
            let change = if is_met { Change::PutUntil(value, expiry) } else { Change::Keep };
            let reply = match (reply, is_met) {
                (SetReply::Previous, _) => Reply::bulk_or_nil(before.map(Bytes::copy_from_slice)),
                (SetReply::Count, _) => Reply::Integer(i64::from(is_met)),
                (SetReply::Outcome, true) => Reply::OK,
                (SetReply::Outcome, false) => Reply::Nil,
            };
            (change, reply)
        })
    }
}

/// The expiry after the option `option`, which is in upper case.
fn parse_expiry(
    option: &[u8],
    args: &mut impl Iterator<Item = Bytes>,
) -> Result<Expiry, CommandError> {
    let Some(unit) = TimeUnit::of_option(option) else { return Ok(Expiry::Unchanged) };
    let number = parse_integer(&args.next().ok_or_else(CommandError::syntax_error)?)?;
    Ok(Expiry::At(positive_expiry_time(number, unit, SPEC.name)?))
}

#[cfg(test)]
mod tests {
    use crate::store::command::tests::error_text;

    #[test]
    fn conflicting_or_unknown_options_are_syntax_errors() {
        for options in [
            &["NX", "XX"][..],
            &["NX", "IFEQ", "a"],
            &["IFEQ"],
            &["IFEQ", "a", "IFEQ", "b"],
            &["EX"],
            &["EX", "10", "PX", "10"],
            &["KEEPTTL", "EX", "10"],
            &["nonsense"],
        ] {
            let words = [&["SET", "key", "value"], options].concat();
            assert_eq!(error_text(&words), "ERR syntax error", "{options:?}");
        }
    }

    #[test]
    fn an_invalid_expire_time_gets_the_error_of_redis() {
        for (number, expected) in [
            ("0", "ERR invalid expire time in 'set' command"),
            ("-1", "ERR invalid expire time in 'set' command"),
            ("9223372036854775807", "ERR invalid expire time in 'set' command"),
            ("x", "ERR value is not an integer or out of range"),
        ] {
            assert_eq!(error_text(&["SET", "key", "value", "EX", number]), expected, "{number}");
        }
    }
}
