//! The load's settings, from its configuration.

use crate::runtime::{Edge, EdgeTarget, RoleSettings, Upstream};
use maquette_contract::{
    Collection, ComponentIdentity, LoadConfig, LoadTarget, Percent, Role, RoleConfig,
};
use std::sync::Arc;

/// The targets, the rate and the mix of requests.
#[derive(Debug)]
pub(super) struct LoadSettings {
    /// The targets, which requests take in turn; at least one.
    pub(super) targets: Vec<Arc<Upstream>>,
    /// Requests started a second.
    pub(super) rate: u32,
    /// The shares of reads, writes and summaries.
    pub(super) mix: RequestMix,
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
        let LoadConfig { targets, requests_per_second, items, collections, .. } = config;
        let missing = [
            ("targets", targets.is_empty()),
            ("requestsPerSecond", *requests_per_second == 0),
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
        Some(Self {
            targets: targets.collect(),
            rate: config.requests_per_second,
            mix: RequestMix {
                write_percent: config.write_percent,
                summary_percent: config.summary_percent,
                items: config.items,
                collections: config.collections,
            },
        })
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        self.targets.iter().map(|target| Arc::clone(target.edge())).collect()
    }
}

/// The existing upstream of the target, with its connections and counts, or a new one.
fn keep_or_connect(target: EdgeTarget, existing: &[Arc<Upstream>]) -> Arc<Upstream> {
    let kept = existing.iter().find(|upstream| *upstream.edge().target() == target);
    kept.cloned().unwrap_or_else(|| Upstream::new(target))
}

fn edge_target(own: &ComponentIdentity, target: LoadTarget) -> EdgeTarget {
    let LoadTarget { component, address, entry } = target;
    match entry {
        true => EdgeTarget::entry(own, component, address),
        false => EdgeTarget::new(own, component, address),
    }
}
