//! The commands: one a file, and the table of all.
//!
//! A request is parsed into a [`Command`] before anything is done, so that what is refused has no
//! effect. Names, arities and error texts are those of Redis.

mod client;
mod command_info;
mod dbsize;
mod del;
mod echo;
mod exists;
mod get;
mod info;
mod mget;
mod ping;
mod quit;
mod scan;
mod set;
mod spec;

pub(crate) use info::Facts;

use super::{
    output::Output,
    resp::{Reply, Request},
};
use crate::storage::{MAX_KEY, Storage, StorageError};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use spec::{COMMANDS, Spec};
use std::io;

/// A request that has been understood.
#[derive(Debug)]
pub(crate) enum Command {
    /// Changes items; may share a commit with the next one of the same connection.
    Write(Write),
    /// Anything else.
    Read(Read),
    /// Ends the connection.
    Quit,
}

/// A command that changes items.
#[derive(Debug)]
pub(crate) enum Write {
    /// `SET`.
    Set(set::Set),
    /// `DEL`.
    Delete(del::Delete),
}

/// A command that changes nothing.
#[derive(Debug)]
pub(crate) enum Read {
    /// A reply that is known without asking the storage.
    Known(Reply),
    /// `GET`.
    Get(get::Get),
    /// `MGET`.
    MultiGet(mget::MultiGet),
    /// `EXISTS`.
    Exists(exists::Exists),
    /// `SCAN`.
    Scan(scan::Scan),
    /// `DBSIZE`.
    Size,
    /// `INFO`.
    Info(info::Info),
}

/// Why a request is not carried out: the text of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(String);

impl Refusal {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn syntax() -> Self {
        Self::new("ERR syntax error")
    }

    fn no_integer() -> Self {
        Self::new("ERR value is not an integer or out of range")
    }

    fn arity(name: &str) -> Self {
        Self(format!("ERR wrong number of arguments for '{name}' command"))
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::Error(refusal.0)
    }
}

impl From<StorageError> for Reply {
    fn from(error: StorageError) -> Self {
        Self::Error(format!("ERR {error}"))
    }
}

/// The name under which a request is counted, and what it asks for.
pub(crate) fn parse(request: Request) -> (&'static str, Result<Command, Refusal>) {
    let Some(spec) = request.first().and_then(|name| spec::find(name)) else {
        return ("unknown", Err(unknown(&request)));
    };
    if !spec.takes(request.len()) {
        return (spec.name, Err(Refusal::arity(spec.name)));
    }
    (spec.name, (spec.parse)(request))
}

/// A write's reply, which comes once it is on disk.
pub(crate) type Pending = BoxFuture<'static, Reply>;

impl Write {
    /// About how many bytes it keeps in memory until its reply.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Set(set) => set.bytes(),
            Self::Delete(delete) => delete.bytes(),
        }
    }

    /// Whether its reply may be large.
    pub(crate) fn replies_with_value(&self) -> bool {
        matches!(self, Self::Set(set) if set.replies_with_value())
    }

    /// Queues the write behind those before it.
    pub(crate) async fn submit(self, storage: &Storage) -> Pending {
        match self {
            Self::Set(set) => set.submit(storage).await,
            Self::Delete(delete) => delete.submit(storage).await,
        }
    }
}

impl Read {
    /// Carries the command out. None: the reply has been written to `out` already.
    ///
    /// # Errors
    /// If the connection is to be closed, because it fails or because the reply cannot be ended.
    pub(crate) async fn run(
        self,
        storage: &Storage,
        facts: &Facts,
        out: &mut Output,
    ) -> io::Result<Option<Reply>> {
        Ok(Some(match self {
            Self::Known(reply) => reply,
            Self::Get(get) => get.run(storage, out).await,
            Self::MultiGet(keys) => return keys.run(storage, out).await,
            Self::Exists(exists) => exists.run(storage).await,
            Self::Scan(scan) => scan.run(storage).await,
            Self::Size => dbsize::run(storage),
            Self::Info(info) => info.run(storage, facts),
        }))
    }
}

/// The names of all commands, and what others are counted under.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|spec: &Spec| spec.name).chain(["unknown"])
}

/// The arguments behind the command's name.
fn arguments(request: Request) -> std::iter::Skip<std::vec::IntoIter<Bytes>> {
    request.into_iter().skip(1)
}

/// A key within its limit.
fn key(arg: Bytes) -> Result<Bytes, Refusal> {
    if arg.len() > MAX_KEY {
        let text =
            format!("ERR a key may have at most {MAX_KEY} bytes, this one has {}", arg.len());
        return Err(Refusal(text));
    }
    Ok(arg)
}

/// All arguments, as keys.
fn keys(request: Request) -> Result<Vec<Bytes>, Refusal> {
    arguments(request).map(key).collect()
}

fn unknown(request: &[Bytes]) -> Refusal {
    /// Bytes of the name, and of all arguments, that the message shows.
    const SHOWN: usize = 128;
    let text = |bytes: &[u8], limit: usize| {
        String::from_utf8_lossy(bytes.get(..limit).unwrap_or(bytes)).into_owned()
    };
    let name = request.first().map_or_else(String::new, |name| text(name, SHOWN));
    let mut args = String::new();
    for arg in request.iter().skip(1) {
        if args.len() >= SHOWN {
            break;
        }
        args += &format!("'{}' ", text(arg, SHOWN - args.len()));
    }
    Refusal(format!("ERR unknown command '{name}', with args beginning with: {args}"))
}

/// A subcommand that does not exist.
fn unknown_subcommand(command: &str, subcommand: &[u8]) -> Refusal {
    let subcommand = String::from_utf8_lossy(subcommand.get(..128).unwrap_or(subcommand));
    Refusal(format!("ERR unknown subcommand '{subcommand}'. Try {command} HELP."))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn refusal(words: &[&str]) -> String {
        let request = words.iter().map(|word| Bytes::from(word.to_string())).collect();
        parse(request).1.unwrap_err().0
    }

    #[test]
    fn unknown_commands_get_the_words_of_redis() {
        assert_eq!(
            refusal(&["HELLO", "3"]),
            "ERR unknown command 'HELLO', with args beginning with: '3' "
        );
        assert_eq!(refusal(&["foo"]), "ERR unknown command 'foo', with args beginning with: ");
        let long = "x".repeat(300);
        let text = refusal(&["foo", &long, &long]);
        assert_eq!(text.matches('x').count(), 128);
        assert_eq!(refusal(&["client", "kill"]), "ERR unknown subcommand 'kill'. Try CLIENT HELP.");
    }

    #[test]
    fn the_number_of_arguments_is_checked_first() {
        for words in [&["get"][..], &["GET", "a", "b"], &["set", "a"], &["mget"], &["dbsize", "x"]]
        {
            let name = words[0].to_lowercase();
            assert_eq!(
                refusal(words),
                format!("ERR wrong number of arguments for '{name}' command")
            );
        }
    }

    #[test]
    fn a_key_above_the_limit_is_refused() {
        let long = "x".repeat(MAX_KEY + 1);
        for words in [&["get", &long][..], &["set", &long, "v"], &["mget", "a", &long]] {
            assert!(refusal(words).starts_with("ERR a key may have at most 1024 bytes"));
        }
    }
}
