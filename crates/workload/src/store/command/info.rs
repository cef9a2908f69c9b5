//! `INFO [section ...]`: the sections and fields that clients and people look at.

use super::{Command, ReadCommand, arguments, spec::CommandSpec};
use crate::{
    storage::Storage,
    store::{Limits, StoreMetrics, resp::Reply},
};
use std::{
    fmt::Write,
    fs, process,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) const SPEC: CommandSpec = CommandSpec {
    name: "info",
    arity: -1,
    flags: &["loading", "stale"],
    keys: (0, 0, 0),
    summary: "Returns information and statistics about the server.",
    since: "1.0.0",
    group: "server",
    parse: |request| {
        let sections = arguments(request);
        let sections =
            sections.map(|name| String::from_utf8_lossy(&name).to_ascii_lowercase()).collect();
        Ok(Command::Read(ReadCommand::Info(InfoCommand { sections })))
    },
};

/// What `INFO` tells besides what the storage knows.
#[derive(Clone)]
pub(crate) struct ServerInfo {
    /// When the server began to listen.
    pub(crate) started: Instant,
    /// The port that it listens on.
    pub(crate) port: u16,
    /// What clients may take up.
    pub(crate) limits: Limits,
    /// What has been counted.
    pub(crate) metrics: StoreMetrics,
    /// Told of every request: how long it took, and whether it failed for no fault of the client.
    pub(crate) observer: RequestObserver,
}

/// Told of every request: how long it took and whether it failed.
pub(crate) type RequestObserver = Arc<dyn Fn(Duration, bool) + Send + Sync>;

/// The sections asked for, in lower case; none means all.
#[derive(Debug)]
pub(crate) struct InfoCommand {
    sections: Vec<String>,
}

/// Redis' version whose protocol and commands this one has, the compare and set of 8.4 besides.
const REDIS_VERSION: &str = "5.0.14";

impl InfoCommand {
    pub(super) fn run(self, storage: &Storage, facts: &ServerInfo) -> Reply {
        let mut text = String::new();
        let sections = [
            ("Server", server_fields(facts)),
            ("Clients", client_fields(facts)),
            ("Memory", memory_fields()),
            ("Persistence", persistence_fields(storage)),
            ("Stats", stats_fields(facts)),
            ("Replication", vec![("role", "master".into()), ("connected_slaves", "0".into())]),
            ("Keyspace", keyspace_fields(storage.item_count())),
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
        let all = ["all", "default", "everything"];
        let named = |wanted: &String| {
            all.contains(&wanted.as_str()) || section.eq_ignore_ascii_case(wanted)
        };
        self.sections.is_empty() || self.sections.iter().any(named)
    }
}

type InfoFields = Vec<(&'static str, String)>;

fn server_fields(facts: &ServerInfo) -> InfoFields {
    let uptime = facts.started.elapsed().as_secs();
    vec![
        ("redis_version", REDIS_VERSION.into()),
        ("server_name", "maquette".into()),
        ("maquette_version", env!("CARGO_PKG_VERSION").into()),
        ("redis_mode", "standalone".into()),
        ("process_id", process::id().to_string()),
        ("tcp_port", facts.port.to_string()),
        ("uptime_in_seconds", uptime.to_string()),
        ("uptime_in_days", (uptime / 86_400).to_string()),
    ]
}

fn client_fields(facts: &ServerInfo) -> InfoFields {
    vec![
        ("connected_clients", facts.metrics.connections.get().to_string()),
        ("maxclients", facts.limits.connections.to_string()),
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

/// What of this process is in memory, as Linux tells it; a page has 4096 bytes where this runs.
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

fn stats_fields(facts: &ServerInfo) -> InfoFields {
    let metrics = &facts.metrics;
    vec![
        ("total_connections_received", metrics.accepted.get().to_string()),
        ("total_commands_processed", metrics.commands_total().to_string()),
        ("rejected_connections", metrics.rejected.get().to_string()),
        ("total_error_replies", metrics.errors.get().to_string()),
    ]
}

/// As in Redis, a database without keys is not listed.
fn keyspace_fields(keys: u64) -> InfoFields {
    match keys {
        0 => vec![],
        keys => vec![("db0", format!("keys={keys},expires=0,avg_ttl=0"))],
    }
}
