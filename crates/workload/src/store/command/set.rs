//! `SET key value [NX | XX | IFEQ value] [GET]`
//!
//! `IFEQ` compares and sets, in the words of Redis 8.4 and Valkey 8.1: it stores the value only if
//! the key has exactly the other value now. Nothing here expires, so those options are refused.

use super::{Command, Pending, Refusal, Write, arguments, key, spec::Spec};
use crate::{
    storage::{Change, Storage},
    store::resp::{Reply, Request},
};
use bytes::Bytes;

pub(super) const SPEC: Spec = Spec {
    name: "set",
    arity: -3,
    flags: &["write", "denyoom"],
    keys: (1, 1, 1),
    summary: "Sets the string value of a key, ignoring its type. The key is created if it doesn't \
              exist.",
    since: "1.0.0",
    group: "string",
    parse: |request| Ok(Command::Write(Write::Set(Set::parse(request)?))),
};

/// A parsed `SET`.
#[derive(Debug)]
pub(crate) struct Set {
    key: Bytes,
    value: Bytes,
    condition: Condition,
    get: bool,
}

/// What must be true for the value to be stored.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Always,
    Absent,
    Present,
    Equals(Bytes),
}

impl Condition {
    fn holds(&self, before: Option<&[u8]>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => before.is_none(),
            Self::Present => before.is_some(),
            Self::Equals(value) => before == Some(&**value),
        }
    }
}

impl Set {
    fn parse(request: Request) -> Result<Self, Refusal> {
        let mut args = arguments(request);
        let (Some(name), Some(value)) = (args.next(), args.next()) else {
            return Err(Refusal::arity(SPEC.name));
        };
        let mut set = Self { key: key(name)?, value, condition: Condition::Always, get: false };
        while let Some(option) = args.next() {
            let condition = match option.to_ascii_uppercase().as_slice() {
                b"GET" => {
                    set.get = true;
                    continue;
                }
                b"NX" => Condition::Absent,
                b"XX" => Condition::Present,
                b"IFEQ" => Condition::Equals(args.next().ok_or_else(Refusal::syntax)?),
                _ => return Err(Refusal::syntax()),
            };
            if set.condition != Condition::Always {
                return Err(Refusal::syntax());
            }
            set.condition = condition;
        }
        Ok(set)
    }

    pub(super) fn bytes(&self) -> usize {
        let other = match &self.condition {
            Condition::Equals(value) => value.len(),
            _ => 0,
        };
        self.key.len() + self.value.len() + other
    }

    pub(super) fn replies_with_value(&self) -> bool {
        self.get
    }

    pub(super) async fn submit(self, storage: &Storage) -> Pending {
        let Self { key, value, condition, get } = self;
        let outcome = storage.submit(&key, move |before| {
            let holds = condition.holds(before);
            let change = if holds { Change::Put(value) } else { Change::Keep };
            let reply = match (get, holds) {
                (true, _) => Reply::optional(before.map(Bytes::copy_from_slice)),
                (false, true) => Reply::OK,
                (false, false) => Reply::Nil,
            };
            (change, reply)
        });
        match outcome.await {
            Ok(outcome) => Box::pin(async { outcome.await.unwrap_or_else(Reply::from) }),
            Err(error) => Box::pin(async { error.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::refusal;

    #[test]
    fn options_that_do_not_go_together_or_are_not_known_are_syntax_errors() {
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
            assert_eq!(refusal(&words), "ERR syntax error", "{options:?}");
        }
    }
}
