//! Pods of the model, and what they report.

use crate::{
    evolve::{backend, graph::CollectionSelector},
    observe::{PodReport, RunningPod},
    plan::{Behavior, Component},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{
    Collection, ComponentName, EdgeObservation, MigrationObservation, Observations,
    PeerObservation, Probe, Revision, Traffic,
};
use std::collections::BTreeMap;

/// Which pod; never used again.
pub(super) type PodId = usize;

/// A pod.
pub(super) struct Pod {
    pub(super) component: ComponentName,
    /// What it runs as: its component's configuration when it last loaded it.
    pub(super) runs: Component,
    pub(super) ready: bool,
    /// It can never start.
    pub(super) broken: bool,
    /// It was told to stop, and only ends what it began.
    pub(super) terminating: bool,
    /// What it reported last.
    pub(super) report: PodReport,
    /// Of each origin, the copy under its present configuration.
    pub(super) passes: BTreeMap<ComponentName, Pass>,
}

/// A copy from an origin: the items that there were when it began, and those not yet copied.
#[derive(Clone, Debug, Default)]
pub(super) struct Pass {
    pub(super) began: bool,
    pub(super) left: Vec<Collection>,
}

impl Pass {
    pub(super) fn is_complete(&self) -> bool {
        self.began && self.left.is_empty()
    }
}

/// The revision of a configuration.
pub(super) fn revision(component: &Component) -> Revision {
    Revision::of_bytes(format!("{:?}", component.behavior).as_bytes())
}

impl Pod {
    pub(super) fn new(runs: Component, broken: bool) -> Self {
        let mut pod = Self {
            component: runs.name.clone(),
            runs: runs.clone(),
            ready: false,
            broken,
            terminating: false,
            report: PodReport::default(),
            passes: BTreeMap::new(),
        };
        pod.load_config(&runs, false);
        pod
    }

    /// Whether it takes part as the one of this number: a peer that is no member any more hands its
    /// items over and is not ready.
    pub(super) fn is_member(&self, ordinal: usize) -> bool {
        match &self.runs.behavior {
            Behavior::Peer(task) => ordinal < task.members as usize,
            _ => true,
        }
    }

    /// Takes a configuration; a new one begins every copy anew, unless items are copied `once`.
    pub(super) fn load_config(&mut self, component: &Component, once: bool) {
        let anew = !once && revision(&self.runs) != revision(component);
        if anew || self.passes.is_empty() {
            let origins = backend::migration_sources(component).iter();
            self.passes =
                origins.map(|origin| (origin.component.clone(), Pass::default())).collect();
        }
        self.runs = component.clone();
    }

    /// What it says of itself.
    pub(super) fn build_report(
        &self,
        id: PodId,
        older_requests: u32,
        works: impl Fn(&ComponentName) -> bool,
    ) -> Observations {
        let edge = |to: ComponentName| EdgeObservation {
            probe: match works(&to) {
                true => Probe::Works,
                false => Probe::Fails { message: "nobody answers".to_owned() },
            },
            traffic: Traffic::default(),
            to,
        };
        let origin = |(component, pass): (&ComponentName, &Pass)| MigrationObservation {
            component: component.clone(),
            complete: pass.is_complete(),
            copied: 0,
        };
        Observations {
            component: self.component.clone(),
            pod: id.to_string(),
            revision: revision(&self.runs),
            older_requests,
            edges: self.runs.edges().into_iter().map(|e| edge(e.to)).collect(),
            served: Traffic::default(),
            migration_sources: self.passes.iter().map(origin).collect(),
            items: None,
            peer: Some(PeerObservation { members: vec![], under_replicated: 0 }),
            load: None,
        }
    }

    /// How `observe` sees it, the one of this number of its component.
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

    /// The items that it takes over from `origin`.
    pub(super) fn migrates(&self, origin: &ComponentName, collection: &Collection) -> bool {
        let from =
            backend::migration_sources(&self.runs).iter().find(|from| from.component == *origin);
        backend::is_owner_of(&self.runs, &CollectionSelector::Named(collection.clone()))
            && from.is_some_and(|from| from.collections.contains(collection))
    }
}

/// The time at which everything happens.
pub(super) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
