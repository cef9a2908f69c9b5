//! A declared edge to another component: its probes and its traffic.

use super::{
    probe::{Protocol, probe_once},
    target::EdgeTarget,
};
use crate::runtime::{DamagedItemLog, SlidingWindow, lock};
use maquette_contract::{Address, ComponentName, EdgeObservation, Probe};
use std::{
    ops::Range,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};
use tokio::time::sleep;

/// The pause from the end of a probe to the next one, in milliseconds. Random, so that the pods of
/// a component do not probe in step.
const PROBE_PAUSE_MILLIS: Range<u64> = 1_500..2_500;

/// An edge. It is probed every 2 s or so until its last handle is dropped.
#[derive(Debug)]
pub struct Edge {
    target: EdgeTarget,
    protocol: Protocol,
    probe: Mutex<Probe>,
    traffic: SlidingWindow,
    /// The damaged items at the other end.
    pub damaged: DamagedItemLog,
}

impl Edge {
    /// The edge to `target`; its probes start now.
    pub fn new(target: EdgeTarget, protocol: Protocol) -> Arc<Self> {
        let (probe, traffic) = (Mutex::new(Probe::Pending), SlidingWindow::default());
        let edge =
            Arc::new(Self { target, protocol, probe, traffic, damaged: DamagedItemLog::default() });
        tokio::spawn(run_probes(Arc::downgrade(&edge)));
        edge
    }

    /// The component at the other end.
    pub fn to(&self) -> &ComponentName {
        &self.target.component
    }

    /// The `host:port` that requests and probes connect to.
    pub fn address(&self) -> &Address {
        &self.target.address
    }

    /// The component, its address and the recipient that connections name.
    pub fn target(&self) -> &EdgeTarget {
        &self.target
    }

    /// Counts a request over this edge that ended now, after `took`. The code that sends a request
    /// also records it.
    pub fn record(&self, took: Duration, failed: bool) {
        self.traffic.record(took, failed);
    }

    /// The edge as `/observations` reports it.
    pub fn observation(&self) -> EdgeObservation {
        let (to, probe) = (self.to().clone(), lock(&self.probe).clone());
        EdgeObservation { to, probe, traffic: self.traffic.current_traffic() }
    }

    fn record_probe(&self, outcome: Probe) {
        let mut probe = lock(&self.probe);
        // A probe ends every 2 s: only a change is logged.
        if *probe != outcome {
            match &outcome {
                Probe::Fails { message } => {
                    tracing::warn!(to = %self.to(), reason = message, "edge fails")
                }
                _ => tracing::info!(to = %self.to(), "edge works"),
            }
            *probe = outcome;
        }
    }
}

/// Probes the edge until its last handle is dropped.
async fn run_probes(edge: Weak<Edge>) {
    loop {
        // Upgraded only for a moment: a probe or a pause does not keep a dropped edge alive.
        let Some((target, protocol)) =
            edge.upgrade().map(|edge| (edge.target.clone(), edge.protocol))
        else {
            return;
        };
        let outcome = match probe_once(&target, protocol).await {
            Ok(()) => Probe::Works,
            Err(error) => Probe::Fails { message: error.to_string() },
        };
        match edge.upgrade() {
            Some(edge) => edge.record_probe(outcome),
            None => return,
        }
        sleep(Duration::from_millis(rand::random_range(PROBE_PAUSE_MILLIS))).await;
    }
}
