//! What the coordinator of requests needs.

use super::repair_queue::RepairQueue;
use crate::{
    peer::{membership::PeerState, metrics::PeerMetrics, network::PeerNetwork},
    runtime::VersionClock,
};
use std::{sync::Arc, time::Duration};

/// Coordinates the requests that this peer receives.
pub(crate) struct Coordinator {
    pub(crate) peer: Arc<PeerState>,
    pub(crate) network: Arc<PeerNetwork>,
    /// Assigns versions to the writes that this peer coordinates.
    pub(crate) clock: VersionClock,
    pub(crate) repair_queue: Arc<RepairQueue>,
    pub(crate) metrics: Arc<PeerMetrics>,
    /// The pause between two waves of requests.
    pub(crate) retry_pause: Duration,
}
