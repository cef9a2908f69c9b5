//! The commands: one file each, grouped as in Redis, and the table of all.
//!
//! A request is parsed completely before it is executed, so a refused request has no effect. Names,
//! arities and error texts are those of Redis. Never reads from or writes to a socket by itself.

mod arguments;
mod connection;
mod error;
mod expiry_time;
mod generic;
mod server;
mod spec;
mod string;
mod table;
mod transaction;

pub(crate) use error::CommandError;
pub(crate) use server::info::{REDIS_VERSION, ServerInfo};
pub(crate) use transaction::{TransactionCommand, not_allowed};

use super::{
    bounds::budget::ARGUMENT_COST,
    reply_writer::ReplyWriter,
    resp::{Reply, Request, RespVersion},
};
use crate::storage::{ItemsMut, MAX_KEY, Storage, StorageError};
use arguments::{arguments, checked_key, checked_keys, is_http, parse_integer};
use bytes::Bytes;
use error::{unknown_command, unknown_subcommand};
use generic::{del, exists, expire, key_type, keys, scan, ttl};
use server::{command_info, dbsize, info};
use std::io;
use string::{get, getdel, mget, mset, set, strlen};
use table::COMMANDS;

#[derive(Debug)]
pub(crate) enum Command {
    /// Changes items; may share a commit with the next write of the same connection.
    Write(WriteCommand),
    /// Changes no item and keeps the connection open.
    Read(ReadCommand),
    /// Sets or shows what the client has told about its connection.
    Session(SessionCommand),
    /// Begins, ends or prepares a transaction.
    Transaction(TransactionCommand),
    /// Closes the connection unless it is meant for this store, which this argument names.
    Recipient(Bytes),
    /// Closes the connection after its reply.
    Quit,
    /// A line of an HTTP request: closes the connection without a reply.
    CrossProtocol,
}

/// A command about the connection itself.
#[derive(Debug)]
pub(crate) enum SessionCommand {
    Hello { protocol: Option<RespVersion>, name: Option<String> },
    Id,
    Name,
    Describe,
    SetName(String),
    SetLibraryName(String),
    SetLibraryVersion(String),
}

/// A command that changes items.
#[derive(Debug)]
pub(crate) enum WriteCommand {
    Set(set::SetCommand),
    MultiSet(mset::MultiSetCommand),
    Delete(del::DeleteCommand),
    GetDelete(getdel::GetDeleteCommand),
    Expire(expire::ExpireCommand),
}

/// A command that changes nothing.
#[derive(Debug)]
pub(crate) enum ReadCommand {
    /// The reply needs neither the storage nor the server.
    Immediate(Reply),
    Get(get::GetCommand),
    MultiGet(mget::MultiGetCommand),
    Exists(exists::ExistsCommand),
    Length(strlen::LengthCommand),
    Ttl(ttl::TtlCommand),
    Type(key_type::TypeCommand),
    Keys(keys::KeysCommand),
    Scan(scan::ScanCommand),
    DatabaseSize,
    Info(info::InfoCommand),
    Commands(command_info::CommandQuery),
}

impl From<StorageError> for Reply {
    fn from(error: StorageError) -> Self {
        match error {
            // Redis' code of a server that refuses writes because of its memory: clients know it.
            StorageError::Full => Self::Error(format!("OOM {error}")),
            _ => Self::Error(format!("ERR {error}")),
        }
    }
}

/// The command's name in the metrics, `unknown` for unknown ones, and the parsed request.
pub(crate) fn parse(request: Request) -> (&'static str, Result<Command, CommandError>) {
    if request.first().is_some_and(|name| is_http(name)) {
        return ("unknown", Ok(Command::CrossProtocol));
    }
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
            Self::MultiSet(set) => set.memory_bytes(),
            Self::Delete(delete) => delete.memory_bytes(),
            Self::GetDelete(delete) => delete.key.len(),
            Self::Expire(expire) => expire.key.len(),
        }
    }

    /// Whether the reply contains a value and so can be large.
    pub(crate) fn replies_with_value(&self) -> bool {
        match self {
            Self::Set(set) => set.replies_with_value(),
            Self::GetDelete(_) => true,
            Self::MultiSet(_) | Self::Delete(_) | Self::Expire(_) => false,
        }
    }

    /// Applies the write within the transaction of its batch, and returns the reply.
    ///
    /// # Errors
    /// If the disk fails: then no write of the batch is acknowledged.
    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        let outcome = match self {
            Self::Set(set) => set.apply(items),
            Self::MultiSet(set) => set.apply(items),
            Self::Delete(delete) => delete.apply(items),
            Self::GetDelete(delete) => delete.apply(items),
            Self::Expire(expire) => expire.apply(items),
        };
        match outcome {
            Err(error) if !error.is_fatal() => Ok(error.into()),
            outcome => outcome,
        }
    }
}

impl ReadCommand {
    /// Whether a transaction may contain the command.
    pub(crate) fn runs_in_transaction(&self) -> bool {
        !matches!(self, Self::Keys(_) | Self::Scan(_) | Self::Info(_) | Self::Commands(_))
    }

    /// The approximate memory that the command takes until its reply, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Immediate(reply) => reply.value_bytes(),
            Self::MultiGet(keys) => keys.memory_bytes(),
            Self::Exists(exists) => exists.memory_bytes(),
            _ => ARGUMENT_COST + MAX_KEY,
        }
    }

    /// Whether the reply contains values and so can be large.
    pub(crate) fn replies_with_value(&self) -> bool {
        matches!(self, Self::Get(_) | Self::MultiGet(_))
    }

    /// Executes the command within a transaction.
    ///
    /// # Errors
    /// If the disk fails.
    pub(crate) fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        match self {
            Self::Immediate(reply) => Ok(reply),
            Self::Get(get) => get.apply(items),
            Self::MultiGet(keys) => keys.apply(items),
            Self::Exists(exists) => exists.apply(items),
            Self::Length(length) => length.apply(items),
            Self::Ttl(ttl) => ttl.apply(items),
            Self::Type(key_type) => key_type.apply(items),
            Self::DatabaseSize => dbsize::apply(items),
            Self::Keys(_) | Self::Scan(_) | Self::Info(_) | Self::Commands(_) => {
                Ok(not_allowed().into())
            }
        }
    }

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
            Self::Get(get) => return Ok(get.run(storage, replies).await),
            Self::MultiGet(keys) => return keys.run(storage, replies).await,
            Self::Exists(exists) => exists.run(storage).await,
            Self::Length(length) => length.run(storage, replies).await,
            Self::Ttl(ttl) => ttl.run(storage).await,
            Self::Type(key_type) => key_type.run(storage).await,
            Self::Keys(keys) => keys.run(storage, replies).await?,
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn error_text(words: &[&str]) -> String {
        let request = words.iter().map(|word| Bytes::from(word.to_string())).collect();
        match Reply::from(parse(request).1.unwrap_err()) {
            Reply::Error(text) => text,
            reply => panic!("{reply:?}"),
        }
    }

    #[test]
    fn unknown_commands_get_the_error_of_redis() {
        assert_eq!(
            error_text(&["HGET", "3"]),
            "ERR unknown command 'HGET', with args beginning with: '3' "
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
