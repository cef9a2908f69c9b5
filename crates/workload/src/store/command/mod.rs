//! The commands: one file each, grouped as in Redis, and the table of all.
//!
//! A request is parsed completely before it is executed, so a refused request has no effect. Names,
//! arities and error texts are those of Redis. Never reads from or writes to a socket by itself.

mod connection;
mod generic;
mod server;
mod spec;
mod string;
mod table;

pub(crate) use server::info::ServerInfo;

use super::{
    reply_writer::ReplyWriter,
    resp::{Reply, Request},
};
use crate::storage::{ItemsMut, MAX_KEY, Storage, StorageError};
use bytes::Bytes;
use generic::{del, exists, scan};
use server::{command_info, dbsize, info};
use std::io;
use string::{get, mget, set};
use table::COMMANDS;

#[derive(Debug)]
pub(crate) enum Command {
    /// Changes items; may share a commit with the next write of the same connection.
    Write(WriteCommand),
    /// Changes no item and keeps the connection open.
    Read(ReadCommand),
    /// Closes the connection unless it is meant for this store, which this argument names.
    Recipient(Bytes),
    /// Closes the connection after its reply.
    Quit,
}

/// A command that changes items.
#[derive(Debug)]
pub(crate) enum WriteCommand {
    Set(set::SetCommand),
    Delete(del::DeleteCommand),
}

/// A command that changes nothing.
#[derive(Debug)]
pub(crate) enum ReadCommand {
    /// The reply needs neither the storage nor the server.
    Immediate(Reply),
    Get(get::GetCommand),
    MultiGet(mget::MultiGetCommand),
    Exists(exists::ExistsCommand),
    Scan(scan::ScanCommand),
    DatabaseSize,
    Info(info::InfoCommand),
    Commands(command_info::CommandQuery),
}

/// Why a request is refused: the text of the error reply.
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
    fn from(error: CommandError) -> Self {
        Self::Error(error.0)
    }
}

impl From<StorageError> for Reply {
    fn from(error: StorageError) -> Self {
        Self::Error(format!("ERR {error}"))
    }
}

/// The command's name in the metrics, `unknown` for unknown ones, and the parsed request.
pub(crate) fn parse(request: Request) -> (&'static str, Result<Command, CommandError>) {
    let Some(spec) = request.first().and_then(|name| spec::find_command(COMMANDS, name)) else {
        return ("unknown", Err(unknown_command(&request)));
    };
    if !spec.accepts(request.len()) {
        return (spec.name, Err(CommandError::wrong_arity(spec.name)));
    }
    (spec.name, (spec.parse)(request))
}

impl WriteCommand {
    /// The approximate memory that the write takes until its reply, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Set(set) => set.memory_bytes(),
            Self::Delete(delete) => delete.memory_bytes(),
        }
    }

    /// Whether the reply contains a value and so can be large.
    pub(crate) fn replies_with_value(&self) -> bool {
        matches!(self, Self::Set(set) if set.replies_with_value())
    }

    /// Applies the write within the transaction of its batch, and returns the reply.
    ///
    /// # Errors
    /// If the disk fails: then no write of the batch is acknowledged.
    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let outcome = match self {
            Self::Set(set) => set.apply(items),
            Self::Delete(delete) => delete.apply(items),
        };
        match outcome {
            Err(error @ StorageError::TooLarge { .. }) => Ok(error.into()),
            outcome => outcome,
        }
    }
}

impl ReadCommand {
    /// Executes the command. None if the reply is written to `replies` already.
    ///
    /// # Errors
    /// If the connection has to be closed: it failed, or a reply that has begun cannot be
    /// completed.
    pub(crate) async fn run(
        self,
        storage: &Storage,
        server: &ServerInfo,
        replies: &mut ReplyWriter,
    ) -> io::Result<Option<Reply>> {
        Ok(Some(match self {
            Self::Immediate(reply) => reply,
            Self::Get(get) => get.run(storage, replies).await,
            Self::MultiGet(keys) => return keys.run(storage, replies).await,
            Self::Exists(exists) => exists.run(storage).await,
            Self::Scan(scan) => scan.run(storage).await,
            Self::DatabaseSize => dbsize::run(storage),
            Self::Info(info) => info.run(storage, server),
            Self::Commands(query) => query.run(COMMANDS),
        }))
    }
}

/// The names of all commands in the metrics, with `unknown` for the others.
pub(crate) fn command_names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|spec| spec.name).chain(["unknown"])
}

/// The arguments after the command's name.
fn arguments(request: Request) -> std::iter::Skip<std::vec::IntoIter<Bytes>> {
    request.into_iter().skip(1)
}

/// The argument as a key; refused above [`MAX_KEY`].
fn checked_key(arg: Bytes) -> Result<Bytes, CommandError> {
    if arg.len() > MAX_KEY {
        let text =
            format!("ERR a key may have at most {MAX_KEY} bytes, this one has {}", arg.len());
        return Err(CommandError(text));
    }
    Ok(arg)
}

/// All arguments after the name, as keys.
fn checked_keys(request: Request) -> Result<Vec<Bytes>, CommandError> {
    arguments(request).map(checked_key).collect()
}

fn unknown_command(request: &[Bytes]) -> CommandError {
    /// The message shows this many bytes of the name, and of all arguments together.
    const SHOWN: usize = 128;
    let name = request.first().map_or_else(String::new, |name| text_prefix(name, SHOWN));
    let mut args = String::new();
    for arg in request.iter().skip(1) {
        if args.len() >= SHOWN {
            break;
        }
        args += &format!("'{}' ", text_prefix(arg, SHOWN - args.len()));
    }
    CommandError(format!("ERR unknown command '{name}', with args beginning with: {args}"))
}

/// At most the first `limit` bytes, as text.
fn text_prefix(bytes: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(bytes.get(..limit).unwrap_or(bytes)).into_owned()
}

fn unknown_subcommand(command: &str, subcommand: &[u8]) -> CommandError {
    let name = text_prefix(subcommand, 128);
    CommandError(format!("ERR unknown subcommand '{name}'. Try {command} HELP."))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn error_text(words: &[&str]) -> String {
        let request = words.iter().map(|word| Bytes::from(word.to_string())).collect();
        parse(request).1.unwrap_err().0
    }

    #[test]
    fn unknown_commands_get_the_error_of_redis() {
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
