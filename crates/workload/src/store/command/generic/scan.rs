//! `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
//!
//! The cursor is the position in the storage's order at which the next page starts; the server
//! keeps no state. A key that exists throughout is returned exactly once, whatever other keys are
//! written or deleted, also across a restart.

use crate::store::command::{
    Command, CommandError, ReadCommand, arguments, generic::key_type, parse_integer,
    spec::CommandSpec,
};
use crate::{
    storage::{MAX_KEY, Position, Storage},
    store::{
        glob,
        resp::{Reply, Request},
    },
};
use bytes::Bytes;
use std::str;

/// The most keys that one page looks at.
const MAX_COUNT: usize = 1000;
/// The keys that one page looks at without `COUNT`.
const DEFAULT_COUNT: usize = 10;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "scan",
    arity: -2,
    flags: &["readonly"],
    keys: (0, 0, 0),
    summary: "Iterates over the key names in the database.",
    since: "2.8.0",
    group: "generic",
    parse: |request| Ok(Command::Read(ReadCommand::Scan(ScanCommand::parse(request)?))),
};

/// A parsed `SCAN`, within its bounds.
#[derive(Debug)]
pub(crate) struct ScanCommand {
    start: Position,
    pattern: Option<Bytes>,
    count: usize,
    /// The type is that of the values: another one matches none.
    of_strings: bool,
}

impl ScanCommand {
    fn parse(request: Request) -> Result<Self, CommandError> {
        let mut args = arguments(request);
        let cursor = args.next().as_deref().and_then(parse_number).and_then(Position::new);
        let start = cursor.ok_or_else(|| CommandError::new("ERR invalid cursor"))?;
        let mut scan = Self { start, pattern: None, count: DEFAULT_COUNT, of_strings: true };
        while let Some(option) = args.next() {
            let value = args.next().ok_or_else(CommandError::syntax_error)?;
            match option.to_ascii_uppercase().as_slice() {
                b"MATCH" => scan.pattern = Some(parse_pattern(value)?),
                b"COUNT" => scan.count = parse_count(&value)?,
                b"TYPE" => {
                    scan.of_strings = value.eq_ignore_ascii_case(key_type::STRING.as_bytes())
                }
                _ => return Err(CommandError::syntax_error()),
            }
        }
        Ok(scan)
    }

    pub(crate) async fn run(self, storage: &Storage) -> Reply {
        let (keys, next) = match storage.scan_keys(self.start, self.count).await {
            Ok(page) => page,
            Err(error) => return error.into(),
        };
        let matching = keys.into_iter().filter(|key| self.matches(key)).map(Reply::Bulk);
        // Only the first page starts at position 0, so a cursor of 0 means the end.
        let cursor = next.map_or(0, Position::get);
        Reply::Array(vec![Reply::bulk_text(cursor.to_string()), Reply::Array(matching.collect())])
    }

    fn matches(&self, key: &[u8]) -> bool {
        self.of_strings && self.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, key))
    }
}

/// A pattern no longer than a key, which bounds the time of matching.
pub(super) fn parse_pattern(pattern: Bytes) -> Result<Bytes, CommandError> {
    if pattern.len() > MAX_KEY {
        return Err(CommandError::new(format!("ERR a pattern may have at most {MAX_KEY} bytes")));
    }
    Ok(pattern)
}

fn parse_number(bytes: &[u8]) -> Option<u64> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

/// A count of at least 1; above [`MAX_COUNT`] it is that, as `COUNT` is only a hint.
fn parse_count(bytes: &[u8]) -> Result<usize, CommandError> {
    match parse_integer(bytes)? {
        i64::MIN..=0 => Err(CommandError::syntax_error()),
        count => Ok(usize::try_from(count).unwrap_or(MAX_COUNT).min(MAX_COUNT)),
    }
}

#[cfg(test)]
mod tests {
    use crate::store::command::tests::error_text;

    #[test]
    fn invalid_arguments_get_the_error_of_redis() {
        let long = "*".repeat(1025);
        assert_eq!(
            error_text(&["scan", "0", "MATCH", &long]),
            "ERR a pattern may have at most 1024 bytes"
        );
        assert_eq!(error_text(&["scan", "x"]), "ERR invalid cursor");
        assert_eq!(error_text(&["scan", "281474976710656"]), "ERR invalid cursor");
        assert_eq!(error_text(&["scan", "0", "COUNT", "0"]), "ERR syntax error");
        assert_eq!(error_text(&["scan", "0", "COUNT"]), "ERR syntax error");
        assert_eq!(error_text(&["scan", "0", "TYPE"]), "ERR syntax error");
        assert_eq!(
            error_text(&["scan", "0", "COUNT", "x"]),
            "ERR value is not an integer or out of range"
        );
    }
}
