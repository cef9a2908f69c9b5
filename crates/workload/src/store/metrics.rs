//! What the store counts.

use super::command;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct StoreMetrics {
    commands: Family<CommandLabel, Counter>,
    /// Replies that were errors.
    pub errors: Counter,
    /// Connections that broke the protocol or a limit and were closed.
    pub broken: Counter,
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections refused, because there were too many.
    pub rejected: Counter,
    /// Connections that are open.
    pub connections: Gauge,
}

/// The name of a command that there is, or `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabel {
    command: &'static str,
}

impl StoreMetrics {
    /// Counts of zero, one for each command.
    pub fn new() -> Self {
        let metrics = Self::default();
        for command in command::command_names() {
            drop(metrics.commands.get_or_create(&CommandLabel { command }));
        }
        metrics
    }

    /// Counts a request for `command`.
    pub fn command(&self, command: &'static str) {
        self.commands.get_or_create(&CommandLabel { command }).inc();
    }

    /// All requests so far.
    pub fn commands_total(&self) -> u64 {
        let count = |command| self.commands.get_or_create(&CommandLabel { command }).get();
        command::command_names().map(count).sum()
    }

    /// Makes the counts part of `registry`.
    pub fn register_all(&self, registry: &mut Registry) {
        registry.register("store_commands", "Requests by command", self.commands.clone());
        registry.register("store_errors", "Replies that were errors", self.errors.clone());
        registry.register(
            "store_broken_connections",
            "Connections closed because they broke the protocol or a limit",
            self.broken.clone(),
        );
        registry.register(
            "store_connections_accepted",
            "Connections accepted",
            self.accepted.clone(),
        );
        registry.register(
            "store_connections_rejected",
            "Connections refused, because there were too many",
            self.rejected.clone(),
        );
        registry.register("store_connections", "Open connections", self.connections.clone());
    }
}
