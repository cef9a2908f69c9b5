//! The metrics of the store.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct StoreMetrics {
    commands: Family<CommandLabel, Counter>,
    /// The sum of `commands`, for `INFO`; not exported.
    all_commands: Counter,
    /// Error replies sent since the start.
    pub errors: Counter,
    /// Connections closed because they broke the protocol or a limit.
    pub broken: Counter,
    /// Connections accepted since the start.
    pub accepted: Counter,
    /// Connections refused above the limit.
    pub rejected: Counter,
    /// Connections that are open now.
    pub connections: Gauge,
}

/// The name of a known command, or `unknown`, so that clients cannot add label values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabel {
    command: &'static str,
}

impl StoreMetrics {
    /// Adds a count of zero for each command.
    pub(super) fn add_commands(&self, names: impl Iterator<Item = &'static str>) {
        for command in names {
            drop(self.commands.get_or_create(&CommandLabel { command }));
        }
    }

    /// Counts a request for `command`.
    pub fn count_command(&self, command: &'static str) {
        self.commands.get_or_create(&CommandLabel { command }).inc();
        self.all_commands.inc();
    }

    /// The number of requests since the start.
    pub fn commands_total(&self) -> u64 {
        self.all_commands.get()
    }

    /// Registers all metrics in `registry`.
    pub fn register_all(&self, registry: &mut Registry) {
        registry.register("store_commands", "Requests by command", self.commands.clone());
        registry.register("store_errors", "Error replies", self.errors.clone());
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
            "Connections refused above the limit",
            self.rejected.clone(),
        );
        registry.register("store_connections", "Open connections", self.connections.clone());
    }
}
