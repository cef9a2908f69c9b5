//! What the load makes of its configuration.

use crate::runtime::{Edge, RoleSettings, Upstream};
use maquette_contract::{Collection, LoadConfig, LoadTarget, Percent, Role, RoleConfig};
use std::sync::Arc;

/// The load's settings.
#[derive(Debug)]
pub(super) struct LoadSettings {
    /// Where requests go, in turn; at least one.
    pub(super) targets: Vec<Arc<Upstream>>,
    /// Requests begun in each second.
    pub(super) rate: u32,
    /// What they are.
    pub(super) mix: RequestMix,
}

/// What users ask for, and how often.
#[derive(Clone, Debug)]
pub(super) struct RequestMix {
    /// Of 100 requests, those that write.
    pub(super) write_percent: Percent,
    /// Of 100 requests, those that ask for the summary.
    pub(super) summary_percent: Percent,
    /// How many different items there are.
    pub(super) items: u32,
    /// Their collections, in turn; at least one.
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

    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Load(config) = role else { return None };
        let kept = |target: &LoadTarget| {
            let mut old = before?.targets.iter();
            old.find(|old| old.edge().leads_to(&target.component, &target.address)).cloned()
        };
        let targets = config.targets.into_iter().map(|target| {
            kept(&target).unwrap_or_else(|| Upstream::new(target.component, target.address))
        });
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
