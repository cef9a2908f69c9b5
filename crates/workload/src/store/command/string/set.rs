//! `SET key value [NX | XX | IFEQ value] [GET]`
//!
//! `IFEQ` is the compare-and-set of Redis 8.4 and Valkey 8.1: it stores the value only if the
//! current value equals the other one. Items do not expire, so the options of expiry are refused.

use crate::store::command::{
    Command, CommandError, WriteCommand, arguments, checked_key, spec::CommandSpec,
};
use crate::{
    storage::{Change, ItemsMut, StorageError},
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
    get: bool,
}

/// The condition for storing the value.
#[derive(Debug, PartialEq, Eq)]
enum SetCondition {
    Always,
    Absent,
    Present,
    Equals(Bytes),
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
    fn parse(request: Request) -> Result<Self, CommandError> {
        let mut args = arguments(request);
        let (Some(name), Some(value)) = (args.next(), args.next()) else {
            return Err(CommandError::wrong_arity(SPEC.name));
        };
        let mut set =
            Self { key: checked_key(name)?, value, condition: SetCondition::Always, get: false };
        while let Some(option) = args.next() {
            let condition = match option.to_ascii_uppercase().as_slice() {
                b"GET" => {
                    set.get = true;
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
        self.get
    }

    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let Self { key, value, condition, get } = self;
        if condition == SetCondition::Always && !get {
            items.put(&key, &value)?;
            return Ok(Reply::OK);
        }
        items.update(&key, |before| {
            let holds = condition.is_met(before);
            let change = if holds { Change::Put(value) } else { Change::Keep };
            let reply = match (get, holds) {
                (true, _) => Reply::bulk_or_nil(before.map(Bytes::copy_from_slice)),
                (false, true) => Reply::OK,
                (false, false) => Reply::Nil,
            };
            (change, reply)
        })
    }
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
            &["EX", "10"],
            &["KEEPTTL"],
            &["nonsense"],
        ] {
            let words = [&["SET", "key", "value"], options].concat();
            assert_eq!(error_text(&words), "ERR syntax error", "{options:?}");
        }
    }
}
