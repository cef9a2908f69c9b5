//! `INFO [section ...]`: the sections and fields that clients and operators use.

use crate::store::command::{Command, ReadCommand, arguments, spec::CommandSpec};
use crate::{
    storage::Storage,
    store::{Limits, StoreMetrics, resp::Reply},
};
use maquette_contract::RecipientError;
use std::{
    fmt::Write,
    fs, process,
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "info",
    arity: -1,
    flags: &["loading", "stale"],
    keys: (0, 0, 0),
    summary: "Returns information and statistics about the server.",
    since: "1.0.0",
    group: "server",
    parse: |request| {
        let sections = arguments(request)
            .map(|name| String::from_utf8_lossy(&name).to_ascii_lowercase())
            .collect();
        Ok(Command::Read(ReadCommand::Info(InfoCommand { sections })))
    },
};

/// The server's part of `INFO`, and its observer.
#[derive(Clone)]
pub(crate) struct ServerInfo {
    /// The time at which the server started to listen.
    pub(crate) started: Instant,
    /// The port that it listens on.
    pub(crate) port: u16,
    /// The bounds of clients.
    pub(crate) limits: Limits,
    /// The counts of commands and connections.
    pub(crate) metrics: StoreMetrics,
    /// Called after every request.
    pub(crate) observer: RequestObserver,
    /// Checks that a connection is meant for this store.
    pub(crate) recipient_check: RecipientCheck,
}

/// Whether a connection that names this recipient is meant for this store.
pub(crate) type RecipientCheck = Arc<dyn Fn(&[u8]) -> Result<(), RecipientError> + Send + Sync>;

/// Called after every request with its duration and whether it failed without a client's error.
pub(crate) type RequestObserver = Arc<dyn Fn(Duration, bool) + Send + Sync>;

/// A parsed `INFO`: the sections, in lower case; none means all.
#[derive(Debug)]
pub(crate) struct InfoCommand {
    sections: Vec<String>,
}

/// The version of Redis whose protocol and commands this server has (plus `SET IFEQ` of 8.4).
pub(crate) const REDIS_VERSION: &str = "7.2.4";

impl InfoCommand {
    pub(crate) fn run(self, storage: &Storage, server: &ServerInfo) -> Reply {
        let mut text = String::new();
        let sections = [
            ("Server", server_fields(server)),
            ("Clients", client_fields(server)),
            ("Memory", memory_fields()),
            ("Persistence", persistence_fields(storage)),
            ("Stats", stats_fields(server)),
            ("Replication", vec![("role", "master".into()), ("connected_slaves", "0".into())]),
            ("Keyspace", keyspace_fields(storage.item_count(), storage.expiring_count())),
        ];
        for (name, fields) in sections {
            if !self.includes_section(name) {
                continue;
            }
            let gap = if text.is_empty() { "" } else { "\r\n" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{gap}# {name}\r\n");
            for (field, value) in fields {
                let _ = write!(text, "{field}:{value}\r\n");
            }
        }
        Reply::bulk_text(text)
    }

    fn includes_section(&self, section: &str) -> bool {
        self.sections.is_empty()
            || self.sections.iter().any(|requested| {
                matches!(requested.as_str(), "all" | "default" | "everything")
                    || section.eq_ignore_ascii_case(requested)
            })
    }
}

type InfoFields = Vec<(&'static str, String)>;

fn server_fields(server: &ServerInfo) -> InfoFields {
    let uptime = server.started.elapsed().as_secs();
    vec![
        ("redis_version", REDIS_VERSION.into()),
        ("server_name", "maquette".into()),
        ("maquette_version", env!("CARGO_PKG_VERSION").into()),
        ("redis_mode", "standalone".into()),
        ("process_id", process::id().to_string()),
        ("tcp_port", server.port.to_string()),
        ("uptime_in_seconds", uptime.to_string()),
        ("uptime_in_days", (uptime / 86_400).to_string()),
    ]
}

fn client_fields(server: &ServerInfo) -> InfoFields {
    vec![
        ("connected_clients", server.metrics.connections.get().to_string()),
        ("maxclients", server.limits.connections.to_string()),
        ("blocked_clients", "0".into()),
    ]
}

fn memory_fields() -> InfoFields {
    let bytes = resident_bytes().unwrap_or(0);
    let mebibytes = format!("{:.2}M", bytes as f64 / f64::from(1 << 20));
    vec![
        ("used_memory", bytes.to_string()),
        ("used_memory_human", mebibytes),
        ("used_memory_rss", bytes.to_string()),
    ]
}

/// The resident memory of this process in bytes, from Linux; pages have 4096 bytes.
fn resident_bytes() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

fn persistence_fields(storage: &Storage) -> InfoFields {
    vec![
        ("loading", "0".into()),
        ("file_bytes", storage.file_bytes().to_string()),
        ("commits", storage.commit_count().to_string()),
    ]
}

fn stats_fields(server: &ServerInfo) -> InfoFields {
    let metrics = &server.metrics;
    vec![
        ("total_connections_received", metrics.accepted.get().to_string()),
        ("total_commands_processed", metrics.commands_total().to_string()),
        ("rejected_connections", metrics.rejected.get().to_string()),
        ("total_error_replies", metrics.errors.get().to_string()),
    ]
}

fn keyspace_fields(keys: u64, expires: u64) -> InfoFields {
    // As in Redis, a database without keys is not listed.
    match keys {
        0 => vec![],
        keys => vec![("db0", format!("keys={keys},expires={expires},avg_ttl=0"))],
    }
}
