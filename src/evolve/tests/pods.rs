//! Pods of the model, and what they report.

use crate::{
    evolve::routing::{self, CollectionSelector},
    observe::{PodReport, RunningPod},
    plan::{Behavior, Component},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{
    Collection, ComponentName, EdgeObservation, MigrationObservation, Observations,
    PeerObservation, Probe, Revision, Traffic,
};
use std::collections::BTreeMap;

/// Identifies a pod; never reused.
pub(super) type PodId = usize;

pub(super) struct Pod {
    pub(super) component: ComponentName,
    /// Its component's configuration when it last loaded it.
    pub(super) loaded: Component,
    pub(super) ready: bool,
    /// It cannot start.
    pub(super) broken: bool,
    /// It only completes requests in flight.
    pub(super) terminating: bool,
    /// Its last report.
    pub(super) report: PodReport,
    /// By migration source, the pass under its present configuration.
    pub(super) passes: BTreeMap<ComponentName, Pass>,
}

/// A pass over a migration source: whether it has started, and the items that are not copied yet
/// of those that existed then.
#[derive(Clone, Debug, Default)]
pub(super) struct Pass {
    pub(super) started: bool,
    pub(super) remaining: Vec<Collection>,
}

impl Pass {
    pub(super) fn is_complete(&self) -> bool {
        self.started && self.remaining.is_empty()
    }
}

/// The revision of a configuration.
pub(super) fn revision(component: &Component) -> Revision {
    Revision::of_bytes(format!("{:?}", component.behavior).as_bytes())
}

impl Pod {
    pub(super) fn new(config: &Component, broken: bool) -> Self {
        let mut pod = Self {
            component: config.name.clone(),
            loaded: config.clone(),
            ready: false,
            broken,
            terminating: false,
            report: PodReport::default(),
            passes: BTreeMap::new(),
        };
        pod.load_config(config, false);
        pod
    }

    /// Whether the pod with this ordinal is a member. A peer that is not hands its items over and
    /// is not ready.
    pub(super) fn is_member(&self, ordinal: usize) -> bool {
        match &self.loaded.behavior {
            Behavior::Peer(peer) => ordinal < peer.members as usize,
            _ => true,
        }
    }

    /// Loads a configuration. A new one restarts every copy, unless items are copied `once`.
    pub(super) fn load_config(&mut self, component: &Component, once: bool) {
        let restarts = !once && revision(&self.loaded) != revision(component);
        if restarts || self.passes.is_empty() {
            let sources = routing::migration_sources(component).iter();
            self.passes =
                sources.map(|source| (source.component.clone(), Pass::default())).collect();
        }
        self.loaded = component.clone();
    }

    pub(super) fn build_report(
        &self,
        id: PodId,
        older_requests: u32,
        works: impl Fn(&ComponentName) -> bool,
    ) -> Observations {
        let edges = self.loaded.edges().into_iter().map(|edge| EdgeObservation {
            probe: match works(&edge.to) {
                true => Probe::Works,
                false => Probe::Fails { message: "connection refused".to_owned() },
            },
            traffic: Traffic::default(),
            to: edge.to,
        });
        let copies = self.passes.iter().map(|(source, pass)| MigrationObservation {
            component: source.clone(),
            complete: pass.is_complete(),
            copied: 0,
        });
        Observations {
            component: self.component.clone(),
            pod: id.to_string(),
            revision: revision(&self.loaded),
            older_requests,
            edges: edges.collect(),
            served: Traffic::default(),
            migration_sources: copies.collect(),
            items: None,
            damaged_items: maquette_contract::DamagedItems::default(),
            volume: None,
            peer: Some(PeerObservation { members: vec![], under_replicated: 0 }),
            load: None,
        }
    }

    /// The pod as `observe` reads it, with this ordinal in its component.
    pub(super) fn as_running(&self, id: PodId, ordinal: usize) -> RunningPod {
        RunningPod {
            name: format!("{}-{ordinal}", self.component),
            uid: id.to_string(),
            ip: None,
            ready: self.ready,
            requested_revision: None,
            issue: None,
            report: self.report.clone(),
        }
    }

    /// Whether it copies the items of `collection` from `source`.
    pub(super) fn migrates(&self, source: &ComponentName, collection: &Collection) -> bool {
        let mut sources = routing::migration_sources(&self.loaded).iter();
        let planned = sources.find(|one| one.component == *source);
        routing::is_owner_of(&self.loaded, &CollectionSelector::Named(collection.clone()))
            && planned.is_some_and(|planned| planned.collections.contains(collection))
    }
}

/// The time of every report.
pub(super) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
