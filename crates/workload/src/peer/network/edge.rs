//! The edge from the peers to themselves, as this peer reports it.

use crate::runtime::{SlidingWindow, lock};
use maquette_contract::{ComponentName, EdgeObservation, Probe};
use std::{sync::Mutex, time::Duration};

/// The result of the last probe and the recent traffic to all other peers.
#[derive(Debug)]
pub(crate) struct PeersEdge {
    probe: Mutex<Probe>,
    traffic: SlidingWindow,
}

impl Default for PeersEdge {
    fn default() -> Self {
        Self { probe: Mutex::new(Probe::Pending), traffic: SlidingWindow::default() }
    }
}

impl PeersEdge {
    pub(super) fn record_request(&self, took: Duration, failed: bool) {
        self.traffic.record(took, failed);
    }

    pub(super) fn set_probe(&self, probe: Probe) {
        *lock(&self.probe) = probe;
    }

    /// The edge as it is reported; `to` is the component of the peers.
    pub(crate) fn observation(&self, to: &ComponentName) -> EdgeObservation {
        let probe = lock(&self.probe).clone();
        EdgeObservation { to: to.clone(), probe, traffic: self.traffic.current_traffic() }
    }
}
