//! A declared edge to another component: its probes and its traffic.

use super::{SlidingWindow, lock, probe};
use maquette_contract::{Address, ComponentName, EdgeObservation, Probe};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// How a component at the other end of an edge is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 on a traffic port; probed by `GET /ping`.
    Http,
    /// RESP2 on a store's port; probed by `PING`.
    Resp,
}

/// An edge, probed for as long as somebody holds it.
#[derive(Debug)]
pub struct Edge {
    to: ComponentName,
    address: Address,
    protocol: Protocol,
    probe: Mutex<Probe>,
    traffic: SlidingWindow,
}

impl Edge {
    /// The edge to the component `to`, whose probes begin now.
    pub fn new(to: ComponentName, address: Address, protocol: Protocol) -> Arc<Self> {
        let (probe, traffic) = (Mutex::new(Probe::Pending), SlidingWindow::default());
        let edge = Arc::new(Self { to, address, protocol, probe, traffic });
        tokio::spawn(probe::run_probes(Arc::downgrade(&edge)));
        edge
    }

    /// The component at the other end.
    pub fn to(&self) -> &ComponentName {
        &self.to
    }

    /// Its address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How it is spoken to.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether this edge leads there.
    pub fn leads_to(&self, component: &ComponentName, address: &Address) -> bool {
        self.to == *component && self.address == *address
    }

    /// Counts a request over this edge that took so long. Whoever makes one records it.
    pub fn record(&self, took: Duration, failed: bool) {
        self.traffic.record(took, failed);
    }

    /// The edge as it is reported.
    pub fn observation(&self) -> EdgeObservation {
        let (to, probe) = (self.to.clone(), lock(&self.probe).clone());
        EdgeObservation { to, probe, traffic: self.traffic.current_traffic() }
    }

    pub(super) fn record_probe(&self, outcome: Probe) {
        let mut probe = lock(&self.probe);
        // Probes end every few seconds: only a change is worth a line.
        if *probe != outcome {
            match &outcome {
                Probe::Fails { message } => {
                    tracing::warn!(to = %self.to, reason = message, "edge fails")
                }
                _ => tracing::info!(to = %self.to, "edge works"),
            }
            *probe = outcome;
        }
    }
}
