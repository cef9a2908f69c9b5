//! What a peer counts. No label carries a name.

use crate::runtime::MetricsRegistry;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// The metrics of a peer beside those of its traffic.
#[derive(Debug, Default)]
pub(super) struct PeerMetrics {
    /// Members that are up, this one among them.
    pub(super) live_members: Gauge,
    /// Items held.
    pub(super) items: Gauge,
    /// Items that are not known to have all their copies.
    pub(super) under_replicated: Gauge,
    /// Copies given to peers that lacked them.
    pub(super) repairs: Counter,
    /// Copies dropped because others hold them.
    pub(super) copies_dropped: Counter,
    /// Reads that had to write what they found before they could tell it.
    pub(super) read_repairs: Counter,
    /// Requests without a truthful answer in time.
    pub(super) quorum_failures: Counter,
}

impl PeerMetrics {
    /// Registers them all.
    pub(super) fn register(&self, metrics: &MetricsRegistry) {
        let gauges = [
            (
                "peer_members_live",
                "Members that this peer sees up, itself among them",
                &self.live_members,
            ),
            ("peer_items", "Items on this peer's disk", &self.items),
            (
                "peer_items_not_whole",
                "Items not known to have all their copies",
                &self.under_replicated,
            ),
        ];
        for (name, help, gauge) in gauges {
            metrics.register(name, help, gauge.clone());
        }
        let counters = [
            ("peer_repairs", "Copies given to peers that lacked them", &self.repairs),
            (
                "peer_copies_dropped",
                "Copies dropped because others hold them",
                &self.copies_dropped,
            ),
            ("peer_read_repairs", "Reads that first wrote what they found", &self.read_repairs),
            ("peer_quorum_failures", "Requests that too few peers answered", &self.quorum_failures),
        ];
        for (name, help, counter) in counters {
            metrics.register(name, help, counter.clone());
        }
    }
}
