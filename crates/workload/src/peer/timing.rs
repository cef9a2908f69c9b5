//! The intervals and timeouts of a peer.

use std::time::Duration;

/// The intervals and timeouts of a peer; tests use shorter ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// Between two rounds of gossip.
    pub(super) gossip_interval: Duration,
    /// Between two attempts to resolve members that are not live.
    pub(super) discovery_interval: Duration,
    /// How long the cluster must be unchanged before a sweep starts.
    pub(super) settle_delay: Duration,
    /// How long a peer that sees no other member waits until it is ready alone.
    pub(super) solo_timeout: Duration,
    /// To open a connection to a peer.
    pub(super) connect_timeout: Duration,
    /// For one request to a peer.
    pub(super) attempt_timeout: Duration,
    /// Between two waves of requests for an item.
    pub(super) retry_pause: Duration,
    /// Between two probes of the other members.
    pub(super) probe_interval: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            gossip_interval: Duration::from_millis(200),
            discovery_interval: Duration::from_secs(1),
            settle_delay: Duration::from_secs(1),
            solo_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_millis(500),
            attempt_timeout: Duration::from_secs(2),
            retry_pause: Duration::from_millis(50),
            probe_interval: Duration::from_secs(2),
        }
    }
}
