//! `SCAN cursor [MATCH pattern] [COUNT count]`
//!
//! The cursor is the place in the storage's order where the next page begins; nothing is
//! remembered. A key that exists throughout is returned exactly once, however many others come and
//! go, and also across a restart.

use super::{Command, Read, Refusal, arguments, spec::Spec};
use crate::{
    storage::{MAX_KEY, Position, Storage},
    store::{
        glob,
        resp::{Reply, Request},
    },
};
use bytes::Bytes;
use std::str;

/// Keys that one page looks at, at most, and if the client does not say.
const MAX_COUNT: usize = 1000;
const DEFAULT_COUNT: usize = 10;

pub(super) const SPEC: Spec = Spec {
    name: "scan",
    arity: -2,
    flags: &["readonly"],
    keys: (0, 0, 0),
    summary: "Iterates over the key names in the database.",
    since: "2.8.0",
    group: "generic",
    parse: |request| Ok(Command::Read(Read::Scan(Scan::parse(request)?))),
};

/// A parsed `SCAN`.
#[derive(Debug)]
pub(crate) struct Scan {
    start: Position,
    pattern: Option<Bytes>,
    count: usize,
}

impl Scan {
    fn parse(request: Request) -> Result<Self, Refusal> {
        let mut args = arguments(request);
        let cursor = args.next().as_deref().and_then(number).and_then(Position::new);
        let start = cursor.ok_or_else(|| Refusal::new("ERR invalid cursor"))?;
        let mut scan = Self { start, pattern: None, count: DEFAULT_COUNT };
        while let Some(option) = args.next() {
            let value = args.next().ok_or_else(Refusal::syntax)?;
            match option.to_ascii_uppercase().as_slice() {
                b"MATCH" => scan.pattern = Some(pattern(value)?),
                b"COUNT" => scan.count = count(&value)?,
                _ => return Err(Refusal::syntax()),
            }
        }
        Ok(scan)
    }

    pub(super) async fn run(self, storage: &Storage) -> Reply {
        let (keys, next) = match storage.keys(self.start, self.count).await {
            Ok(page) => page,
            Err(error) => return error.into(),
        };
        let matches = |key: &Bytes| match &self.pattern {
            Some(pattern) => glob::matches(pattern, key),
            None => true,
        };
        let keys = keys.into_iter().filter(matches).map(Reply::Bulk).collect();
        // A page never begins at 0 but the first, so that 0 can mean the end.
        let cursor = next.map_or(0, Position::get);
        Reply::Array(vec![Reply::text(cursor.to_string()), Reply::Array(keys)])
    }
}

/// No longer than a key, so that matching takes a bounded time.
fn pattern(pattern: Bytes) -> Result<Bytes, Refusal> {
    if pattern.len() > MAX_KEY {
        return Err(Refusal::new(format!("ERR a pattern may have at most {MAX_KEY} bytes")));
    }
    Ok(pattern)
}

fn number(bytes: &[u8]) -> Option<u64> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

/// A wish, as in Redis: above the limit it is the limit.
fn count(bytes: &[u8]) -> Result<usize, Refusal> {
    let count = str::from_utf8(bytes).ok().and_then(|text| text.parse::<i64>().ok());
    match count.ok_or_else(Refusal::no_integer)? {
        i64::MIN..=0 => Err(Refusal::syntax()),
        count => Ok(usize::try_from(count).unwrap_or(MAX_COUNT).min(MAX_COUNT)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::refusal;

    #[test]
    fn bad_arguments_get_the_words_of_redis() {
        let long = "*".repeat(1025);
        assert_eq!(
            refusal(&["scan", "0", "MATCH", &long]),
            "ERR a pattern may have at most 1024 bytes"
        );
        assert_eq!(refusal(&["scan", "x"]), "ERR invalid cursor");
        assert_eq!(refusal(&["scan", "281474976710656"]), "ERR invalid cursor");
        assert_eq!(refusal(&["scan", "0", "COUNT", "0"]), "ERR syntax error");
        assert_eq!(refusal(&["scan", "0", "COUNT"]), "ERR syntax error");
        assert_eq!(refusal(&["scan", "0", "TYPE", "hash"]), "ERR syntax error");
        assert_eq!(
            refusal(&["scan", "0", "COUNT", "x"]),
            "ERR value is not an integer or out of range"
        );
    }
}
