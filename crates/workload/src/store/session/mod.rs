//! What a client has told about its connection.

mod transaction;

use super::{
    command::{REDIS_VERSION, SessionCommand},
    resp::{Reply, RespVersion},
};
use std::{net::SocketAddr, time::Instant};
use transaction::Transaction;

/// The state of one connection, as `HELLO` and `CLIENT` set and show it.
#[derive(Debug)]
pub(in crate::store) struct Session {
    id: u64,
    from: SocketAddr,
    opened: Instant,
    protocol: RespVersion,
    name: String,
    library_name: String,
    library_version: String,
    pub(in crate::store) transaction: Transaction,
}

impl Session {
    /// The session of a new connection from `from`; no other has its `id`.
    pub(in crate::store) fn new(id: u64, from: SocketAddr) -> Self {
        Self {
            id,
            from,
            opened: Instant::now(),
            protocol: RespVersion::Resp2,
            name: String::new(),
            library_name: String::new(),
            library_version: String::new(),
            transaction: Transaction::default(),
        }
    }

    /// The address of the client.
    pub(in crate::store) fn from(&self) -> SocketAddr {
        self.from
    }

    /// The protocol of the replies.
    pub(in crate::store) fn protocol(&self) -> RespVersion {
        self.protocol
    }

    /// Executes a command about the connection.
    pub(in crate::store) fn run(&mut self, command: SessionCommand) -> Reply {
        match command {
            SessionCommand::Hello { protocol, name } => {
                self.protocol = protocol.unwrap_or(self.protocol);
                self.name = name.unwrap_or(std::mem::take(&mut self.name));
                self.describe_server()
            }
            SessionCommand::Id => Reply::from_count(self.id),
            SessionCommand::Name if self.name.is_empty() => Reply::Nil,
            SessionCommand::Name => Reply::bulk_text(self.name.clone()),
            SessionCommand::Describe => Reply::bulk_text(self.describe_client()),
            SessionCommand::SetName(name) => {
                self.name = name;
                Reply::OK
            }
            SessionCommand::SetLibraryName(name) => {
                self.library_name = name;
                Reply::OK
            }
            SessionCommand::SetLibraryVersion(version) => {
                self.library_version = version;
                Reply::OK
            }
        }
    }

    fn describe_server(&self) -> Reply {
        let text = Reply::bulk_text;
        Reply::Map(vec![
            (text("server"), text("redis")),
            (text("version"), text(REDIS_VERSION)),
            (text("proto"), Reply::Integer(self.protocol.number())),
            (text("id"), Reply::from_count(self.id)),
            (text("mode"), text("standalone")),
            (text("role"), text("master")),
            (text("modules"), Reply::Array(vec![])),
        ])
    }

    fn describe_client(&self) -> String {
        format!(
            "id={} addr={} name={} age={} db=0 resp={} lib-name={} lib-ver={}\n",
            self.id,
            self.from,
            self.name,
            self.opened.elapsed().as_secs(),
            self.protocol.number(),
            self.library_name,
            self.library_version
        )
    }
}
