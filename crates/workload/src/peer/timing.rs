//! How long a peer waits for what.

use std::time::Duration;

/// All the times that a peer keeps to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// From one round of gossip to the next.
    pub(super) gossip_interval: Duration,
    /// From one look for members that are missing to the next.
    pub(super) discovery_interval: Duration,
    /// How long nothing must have changed before items are checked.
    pub(super) settle_delay: Duration,
    /// How long a member is down before others stand in for it. Longer than a restart takes: its
    /// volume comes back with it.
    pub(super) stand_in_delay: Duration,
    /// How long a peer waits for others before it is ready alone.
    pub(super) solo_timeout: Duration,
    /// How long a connection to a peer may take.
    pub(super) connect_timeout: Duration,
    /// How long one attempt to ask a peer may take.
    pub(super) attempt_timeout: Duration,
    /// From one attempt to the next.
    pub(super) retry_pause: Duration,
    /// From one probe of the others to the next.
    pub(super) probe_interval: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            gossip_interval: Duration::from_millis(200),
            discovery_interval: Duration::from_secs(1),
            settle_delay: Duration::from_secs(1),
            stand_in_delay: Duration::from_secs(30),
            solo_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_millis(500),
            attempt_timeout: Duration::from_secs(2),
            retry_pause: Duration::from_millis(50),
            probe_interval: Duration::from_secs(2),
        }
    }
}
