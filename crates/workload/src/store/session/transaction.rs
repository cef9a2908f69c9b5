//! The transaction of a connection: the commands after `MULTI`, and the keys that it watches.

use crate::storage::{Generation, ItemsMut, Storage, StorageError};
use crate::store::{
    bounds::budget::ARGUMENT_COST,
    command::{Command, CommandError, ReadCommand, WriteCommand, not_allowed},
    resp::Reply,
};
use bytes::Bytes;
use std::mem;

/// The most memory of the commands of a transaction.
const MAX_COST: usize = 64 * 1024;
/// The most commands of a transaction.
const MAX_COMMANDS: usize = 256;
/// The most keys that a connection watches.
const MAX_WATCHED: usize = 1024;
/// The most bytes of values in the replies of a transaction.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// The transaction of one connection.
#[derive(Debug, Default)]
pub(in crate::store) struct Transaction {
    queue: Option<Queue>,
    watched: Vec<Generation>,
}

#[derive(Debug, Default)]
struct Queue {
    commands: Vec<QueuedCommand>,
    cost: usize,
    /// A command was refused: `EXEC` executes none.
    has_refused: bool,
}

/// A command that a transaction may contain.
#[derive(Debug)]
enum QueuedCommand {
    Read(ReadCommand),
    Write(WriteCommand),
}

/// The commands of a transaction that is executed, and the keys that must not have changed.
#[derive(Debug)]
pub(in crate::store) struct Execution {
    commands: Vec<QueuedCommand>,
    watched: Vec<Generation>,
}

impl Transaction {
    /// Whether commands are queued.
    pub(in crate::store) fn is_open(&self) -> bool {
        self.queue.is_some()
    }

    /// `MULTI`
    pub(in crate::store) fn begin(&mut self) -> Result<Reply, CommandError> {
        if self.is_open() {
            return Err(CommandError::new("ERR MULTI calls can not be nested"));
        }
        self.queue = Some(Queue::default());
        Ok(Reply::OK)
    }

    /// Queues a command after `MULTI`.
    pub(in crate::store) fn queue(&mut self, command: Command) -> Result<Reply, CommandError> {
        let Some(queue) = &mut self.queue else { return Err(not_allowed()) };
        let queued = match command {
            Command::Write(write) => {
                queue.cost += write.memory_bytes() + ARGUMENT_COST;
                QueuedCommand::Write(write)
            }
            Command::Read(read) if read.runs_in_transaction() => {
                queue.cost += read.memory_bytes() + ARGUMENT_COST;
                QueuedCommand::Read(read)
            }
            _ => {
                queue.has_refused = true;
                return Err(not_allowed());
            }
        };
        if queue.cost > MAX_COST || queue.commands.len() >= MAX_COMMANDS {
            // EXEC executes none of them.
            queue.has_refused = true;
            queue.commands = Vec::new();
            return Err(CommandError::new(format!(
                "ERR a transaction may have at most {MAX_COMMANDS} commands and {MAX_COST} bytes; \
                 send fewer"
            )));
        }
        queue.commands.push(queued);
        Ok(Reply::Simple("QUEUED"))
    }

    /// Notes that a command after `MULTI` was refused.
    pub(in crate::store) fn refuse(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.has_refused = true;
        }
    }

    /// `EXEC`: ends the transaction and returns what is to be executed.
    pub(in crate::store) fn take(&mut self) -> Result<Execution, CommandError> {
        let queue = self.queue.take().ok_or_else(|| CommandError::new("ERR EXEC without MULTI"))?;
        let watched = mem::take(&mut self.watched);
        if queue.has_refused {
            return Err(CommandError::new(
                "EXECABORT Transaction discarded because of previous errors.",
            ));
        }
        Ok(Execution { commands: queue.commands, watched })
    }

    /// `DISCARD`
    pub(in crate::store) fn discard(&mut self) -> Result<Reply, CommandError> {
        if !self.is_open() {
            return Err(CommandError::new("ERR DISCARD without MULTI"));
        }
        *self = Self::default();
        Ok(Reply::OK)
    }

    /// `WATCH`
    pub(in crate::store) fn watch(
        &mut self,
        keys: &[Bytes],
        storage: &Storage,
    ) -> Result<Reply, CommandError> {
        if self.is_open() {
            return Err(CommandError::new("ERR WATCH inside MULTI is not allowed"));
        }
        if self.watched.len() + keys.len() > MAX_WATCHED {
            let text = format!("ERR a connection may watch at most {MAX_WATCHED} keys");
            return Err(CommandError::new(text));
        }
        self.watched.extend(keys.iter().map(|key| storage.generation(key)));
        Ok(Reply::OK)
    }

    /// `UNWATCH`; after `MULTI` it is a command like others in Redis and has no effect there.
    pub(in crate::store) fn unwatch(&mut self) -> Reply {
        self.watched.clear();
        Reply::OK
    }
}

impl Execution {
    /// Whether a reply contains a value, and so can be large.
    pub(in crate::store) fn replies_with_value(&self) -> bool {
        self.commands.iter().any(|command| match command {
            QueuedCommand::Read(read) => read.replies_with_value(),
            QueuedCommand::Write(write) => write.replies_with_value(),
        })
    }

    /// Executes all commands in one commit; a nil array if a watched key has changed.
    ///
    /// # Errors
    /// If the disk fails: then nothing is acknowledged.
    pub(in crate::store) async fn run(self, storage: &Storage) -> Result<Reply, StorageError> {
        storage.submit_batch(move |items| self.apply(items)).await?.await
    }

    fn apply(self, items: &mut ItemsMut<'_>) -> Result<Reply, StorageError> {
        if !self.watched.iter().all(|generation| items.is_current(*generation)) {
            return Ok(Reply::NilArray);
        }
        let mut bytes = 0;
        let mut replies = Vec::with_capacity(self.commands.len());
        for command in self.commands {
            let reply = match command {
                QueuedCommand::Read(_) if bytes > MAX_REPLY_BYTES => Reply::Error(format!(
                    "ERR the values in the replies of a transaction have more than \
                     {MAX_REPLY_BYTES} bytes; read them outside"
                )),
                QueuedCommand::Read(read) => read.apply(items)?,
                QueuedCommand::Write(write) => write.apply(items)?,
            };
            bytes += reply.value_bytes();
            replies.push(reply);
        }
        Ok(Reply::Array(replies))
    }
}
