//! The load's settings, from its configuration.

use crate::runtime::{Edge, EdgeTarget, Protocol, RoleSettings};
use maquette_contract::{
    Arrivals, ClosedLoop, Collection, ComponentIdentity, LoadConfig, LoadTarget, Percent, Ramp,
    Role, RoleConfig,
};
use std::sync::Arc;

/// The targets, the pace and the mix of requests.
#[derive(Debug)]
pub(super) struct LoadSettings {
    /// The targets, which requests take in turn; at least one.
    pub(super) targets: Vec<Arc<Edge>>,
    /// When requests start.
    pub(super) pace: Pace,
    /// The shares of reads, writes and summaries.
    pub(super) mix: RequestMix,
}

/// When requests start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// On schedule, whether or not earlier ones have ended.
    Open(OpenLoop),
    /// When the user's last one has ended.
    Closed(ClosedLoop),
}

/// The schedule of an open loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenLoop {
    /// Requests a second.
    pub(super) rate: u32,
    pub(super) arrivals: Arrivals,
    pub(super) ramp: Option<Ramp>,
}

/// The mix of requests and the items that they are about.
#[derive(Clone, Debug)]
pub(super) struct RequestMix {
    /// The share of writes.
    pub(super) write_percent: Percent,
    /// The share of summaries; the rest are reads.
    pub(super) summary_percent: Percent,
    /// The number of distinct items.
    pub(super) items: u32,
    /// The collections, which items take in turn; at least one.
    pub(super) collections: Vec<Collection>,
}

impl RoleSettings for LoadSettings {
    const ROLE: Role = Role::Load;

    fn check(role: &RoleConfig) -> Result<(), String> {
        let RoleConfig::Load(config) = role else { return Ok(()) };
        let LoadConfig { targets, requests_per_second, items, collections, closed_loop, .. } =
            config;
        let has_no_users = closed_loop.is_some_and(|closed_loop| closed_loop.users == 0);
        let missing = [
            ("targets", targets.is_empty()),
            ("requestsPerSecond", *requests_per_second == 0),
            ("closedLoop.users", has_no_users),
            ("items", *items == 0),
            ("collections", collections.is_empty()),
        ];
        match missing.iter().find(|(_, missing)| *missing) {
            Some((field, _)) => Err(format!("{field}: a load needs at least 1")),
            None => Ok(()),
        }
    }

    fn build(role: RoleConfig, own: &ComponentIdentity, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Load(config) = role else { return None };
        let existing = before.map(|before| before.targets.as_slice()).unwrap_or_default();
        let targets = config
            .targets
            .into_iter()
            .map(|target| keep_or_connect(edge_target(own, target), existing));
        let pace = config.closed_loop.map_or(
            Pace::Open(OpenLoop {
                rate: config.requests_per_second,
                arrivals: config.arrivals,
                ramp: config.ramp,
            }),
            Pace::Closed,
        );
        Some(Self {
            targets: targets.collect(),
            pace,
            mix: RequestMix {
                write_percent: config.write_percent,
                summary_percent: config.summary_percent,
                items: config.items,
                collections: config.collections,
            },
        })
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        self.targets.clone()
    }
}

/// The existing edge to the target, with its counts, or a new one.
fn keep_or_connect(target: EdgeTarget, existing: &[Arc<Edge>]) -> Arc<Edge> {
    let kept = existing.iter().find(|edge| *edge.target() == target);
    kept.cloned().unwrap_or_else(|| Edge::new(target, Protocol::Http))
}

fn edge_target(own: &ComponentIdentity, target: LoadTarget) -> EdgeTarget {
    let LoadTarget { component, address, entry } = target;
    match entry {
        true => EdgeTarget::entry(own, component, address),
        false => EdgeTarget::new(own, component, address),
    }
}
