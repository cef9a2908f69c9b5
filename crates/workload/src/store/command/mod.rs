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

pub(crate) use info::ServerInfo;

use super::{
    reply_writer::ReplyWriter,
    resp::{Reply, Request},
};
use crate::storage::{MAX_KEY, Storage, StorageError};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use spec::{COMMANDS, CommandSpec};
use std::io;

/// A request that has been understood.
#[derive(Debug)]
pub(crate) enum Command {
    /// Changes items; may share a commit with the next one of the same connection.
    Write(WriteCommand),
    /// Anything else.
    Read(ReadCommand),
    /// Ends the connection.
    Quit,
}

/// A command that changes items.
#[derive(Debug)]
pub(crate) enum WriteCommand {
    /// `SET`.
    Set(set::SetCommand),
    /// `DEL`.
    Delete(del::DeleteCommand),
}

/// A command that changes nothing.
#[derive(Debug)]
pub(crate) enum ReadCommand {
    /// A reply that is known without asking the storage.
    Immediate(Reply),
    /// `GET`.
    Get(get::GetCommand),
    /// `MGET`.
    MultiGet(mget::MultiGetCommand),
    /// `EXISTS`.
    Exists(exists::ExistsCommand),
    /// `SCAN`.
    Scan(scan::ScanCommand),
    /// `DBSIZE`.
    DatabaseSize,
    /// `INFO`.
    Info(info::InfoCommand),
}

/// Why a request is not carried out: the text of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandError(String);

impl CommandError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn syntax_error() -> Self {
        Self::new("ERR syntax error")
    }

    fn not_an_integer() -> Self {
        Self::new("ERR value is not an integer or out of range")
    }

    fn wrong_arity(name: &str) -> Self {
        Self(format!("ERR wrong number of arguments for '{name}' command"))
    }
}

impl From<CommandError> for Reply {
    fn from(refusal: CommandError) -> Self {
        Self::Error(refusal.0)
    }
}

impl From<StorageError> for Reply {
    fn from(error: StorageError) -> Self {
        Self::Error(format!("ERR {error}"))
    }
}

/// The name under which a request is counted, and what it asks for.
pub(crate) fn parse(request: Request) -> (&'static str, Result<Command, CommandError>) {
    let Some(spec) = request.first().and_then(|name| spec::find_command(name)) else {
        return ("unknown", Err(unknown_command(&request)));
    };
    if !spec.accepts(request.len()) {
        return (spec.name, Err(CommandError::wrong_arity(spec.name)));
    }
    (spec.name, (spec.parse)(request))
}

/// A write's reply, which comes once it is on disk.
pub(crate) type PendingReply = BoxFuture<'static, Reply>;

impl WriteCommand {
    /// About how many bytes it keeps in memory until its reply.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Set(set) => set.held_bytes(),
            Self::Delete(delete) => delete.held_bytes(),
        }
    }

    /// Whether its reply may be large.
    pub(crate) fn replies_with_value(&self) -> bool {
        matches!(self, Self::Set(set) if set.replies_with_value())
    }

    /// Queues the write behind those before it.
    pub(crate) async fn submit(self, storage: &Storage) -> PendingReply {
        match self {
            Self::Set(set) => set.submit(storage).await,
            Self::Delete(delete) => delete.submit(storage).await,
        }
    }
}

impl ReadCommand {
    /// Carries the command out. None: the reply has been written to `out` already.
    ///
    /// # Errors
    /// If the connection is to be closed, because it fails or because the reply cannot be ended.
    pub(crate) async fn run(
        self,
        storage: &Storage,
        facts: &ServerInfo,
        out: &mut ReplyWriter,
    ) -> io::Result<Option<Reply>> {
        Ok(Some(match self {
            Self::Immediate(reply) => reply,
            Self::Get(get) => get.run(storage, out).await,
            Self::MultiGet(keys) => return keys.run(storage, out).await,
            Self::Exists(exists) => exists.run(storage).await,
            Self::Scan(scan) => scan.run(storage).await,
            Self::DatabaseSize => dbsize::run(storage),
            Self::Info(info) => info.run(storage, facts),
        }))
    }
}

/// The names of all commands, and what others are counted under.
pub(crate) fn command_names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|spec: &CommandSpec| spec.name).chain(["unknown"])
}

/// The arguments behind the command's name.
fn arguments(request: Request) -> std::iter::Skip<std::vec::IntoIter<Bytes>> {
    request.into_iter().skip(1)
}

/// A key within its limit.
fn checked_key(arg: Bytes) -> Result<Bytes, CommandError> {
    if arg.len() > MAX_KEY {
        let text =
            format!("ERR a key may have at most {MAX_KEY} bytes, this one has {}", arg.len());
        return Err(CommandError(text));
    }
    Ok(arg)
}

/// All arguments, as keys.
fn checked_keys(request: Request) -> Result<Vec<Bytes>, CommandError> {
    arguments(request).map(checked_key).collect()
}

fn unknown_command(request: &[Bytes]) -> CommandError {
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
    CommandError(format!("ERR unknown command '{name}', with args beginning with: {args}"))
}

/// A subcommand that does not exist.
fn unknown_subcommand(command: &str, subcommand: &[u8]) -> CommandError {
    let subcommand = String::from_utf8_lossy(subcommand.get(..128).unwrap_or(subcommand));
    CommandError(format!("ERR unknown subcommand '{subcommand}'. Try {command} HELP."))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn error_text(words: &[&str]) -> String {
        let request = words.iter().map(|word| Bytes::from(word.to_string())).collect();
        parse(request).1.unwrap_err().0
    }

    #[test]
    fn unknown_commands_get_the_words_of_redis() {
        assert_eq!(
            error_text(&["HELLO", "3"]),
            "ERR unknown command 'HELLO', with args beginning with: '3' "
        );
        assert_eq!(error_text(&["foo"]), "ERR unknown command 'foo', with args beginning with: ");
        let long = "x".repeat(300);
        let text = error_text(&["foo", &long, &long]);
        assert_eq!(text.matches('x').count(), 128);
        assert_eq!(
            error_text(&["client", "kill"]),
            "ERR unknown subcommand 'kill'. Try CLIENT HELP."
        );
    }

    #[test]
    fn the_number_of_arguments_is_checked_first() {
        for words in [&["get"][..], &["GET", "a", "b"], &["set", "a"], &["mget"], &["dbsize", "x"]]
        {
            let name = words[0].to_lowercase();
            assert_eq!(
                error_text(words),
                format!("ERR wrong number of arguments for '{name}' command")
            );
        }
    }

    #[test]
    fn a_key_above_the_limit_is_refused() {
        let long = "x".repeat(MAX_KEY + 1);
        for words in [&["get", &long][..], &["set", &long, "v"], &["mget", "a", &long]] {
            assert!(error_text(words).starts_with("ERR a key may have at most 1024 bytes"));
        }
    }
}
