//! How long a peer waits for what.

use std::time::Duration;

/// All the times that a peer keeps to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// From one round of gossip to the next.
    pub(super) gossip: Duration,
    /// From one look for members that are missing to the next.
    pub(super) seek: Duration,
    /// How long nothing must have changed before items are checked.
    pub(super) settle: Duration,
    /// How long a member is down before others stand in for it. Longer than a restart takes: its
    /// volume comes back with it.
    pub(super) stand_in: Duration,
    /// How long a peer waits for others before it is ready alone.
    pub(super) alone: Duration,
    /// How long a connection to a peer may take.
    pub(super) connect: Duration,
    /// How long one attempt to ask a peer may take.
    pub(super) attempt: Duration,
    /// From one attempt to the next.
    pub(super) pause: Duration,
    /// From one probe of the others to the next.
    pub(super) probe: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            gossip: Duration::from_millis(200),
            seek: Duration::from_secs(1),
            settle: Duration::from_secs(1),
            stand_in: Duration::from_secs(30),
            alone: Duration::from_secs(10),
            connect: Duration::from_millis(500),
            attempt: Duration::from_secs(2),
            pause: Duration::from_millis(50),
            probe: Duration::from_secs(2),
        }
    }
}
