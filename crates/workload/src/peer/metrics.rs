//! The metrics of a peer. No label has unbounded values.

use crate::runtime::MetricsRegistry;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// The metrics of a peer besides those of its traffic.
#[derive(Debug, Default)]
pub(super) struct PeerMetrics {
    /// Members that are up, this one included.
    pub(super) live_members: Gauge,
    /// Items on this peer's disk.
    pub(super) items: Gauge,
    /// Items that are not known to have all their copies.
    pub(super) under_replicated: Gauge,
    /// Copies sent to peers that lacked them.
    pub(super) repairs: Counter,
    /// Copies dropped because others hold them.
    pub(super) copies_dropped: Counter,
    /// Reads that had to write their result to more disks before they returned it.
    pub(super) read_repairs: Counter,
    /// Requests without a correct result before their deadline.
    pub(super) quorum_failures: Counter,
}

impl PeerMetrics {
    /// Makes all of them appear in `/metrics`.
    pub(super) fn register(&self, metrics: &MetricsRegistry) {
        let gauges = [
            (
                "peer_members_live",
                "Members that this peer sees up, itself included",
                &self.live_members,
            ),
            ("peer_items", "Items on this peer's disk", &self.items),
            (
                "peer_under_replicated_items",
                "Items not known to have all their copies",
                &self.under_replicated,
            ),
        ];
        for (name, help, gauge) in gauges {
            metrics.register(name, help, gauge.clone());
        }
        let counters = [
            ("peer_repairs", "Copies sent to peers that lacked them", &self.repairs),
            (
                "peer_copies_dropped",
                "Copies dropped because others hold them",
                &self.copies_dropped,
            ),
            (
                "peer_read_repairs",
                "Reads that first wrote their result to more disks",
                &self.read_repairs,
            ),
            (
                "peer_quorum_failures",
                "Requests to which too few peers replied in time",
                &self.quorum_failures,
            ),
        ];
        for (name, help, counter) in counters {
            metrics.register(name, help, counter.clone());
        }
    }
}
