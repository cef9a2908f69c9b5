//! The types of the running topology. Only `read` fills them from objects.

use crate::{observe::PodReport, plan::Component};
use maquette_contract::{ComponentName, Revision};
use std::collections::{BTreeMap, BTreeSet};

/// The model that runs: its components and where the entry Service leads.
#[derive(Clone, Debug, Default)]
pub struct RunningTopology {
    pub(in crate::observe) entry: EntryService,
    pub(crate) components: BTreeMap<ComponentName, RunningComponent>,
    /// Components whose workload has a ready pod and whose ConfigMap is missing.
    pub(super) unreadable: BTreeSet<ComponentName>,
    /// Components with a volume that this very Architecture used, whether they still run or not.
    pub(super) volumes: BTreeSet<ComponentName>,
}

impl RunningTopology {
    /// These components, with an entry Service that leads to `entry` and works.
    pub(crate) fn new(
        entry: Option<ComponentName>,
        components: BTreeMap<ComponentName, RunningComponent>,
    ) -> Self {
        let entry = EntryService { component: entry, issue: None };
        Self { entry, components, ..Self::default() }
    }

    /// The component behind the entry Service.
    pub fn entry(&self) -> Option<&ComponentName> {
        self.entry.component.as_ref()
    }

    /// The components that have a pod or an object, by name.
    pub fn components(&self) -> impl Iterator<Item = (&ComponentName, &RunningComponent)> {
        self.components.iter()
    }

    /// The running components whose configuration and workload are both known.
    pub fn planned_components(&self) -> impl Iterator<Item = &Component> {
        self.components.values().filter_map(|component| component.planned.as_ref())
    }

    /// The component of this name.
    pub fn component(&self, name: &ComponentName) -> Option<&RunningComponent> {
        self.components.get(name)
    }

    /// Components that serve although their ConfigMap was deleted: what they do is unknown.
    pub fn unreadable(&self) -> impl Iterator<Item = &ComponentName> {
        self.unreadable.iter()
    }

    /// Whether the component has a volume that this very Architecture used. A volume of an earlier
    /// Architecture of the same name does not count.
    pub fn has_volume(&self, name: &ComponentName) -> bool {
        self.volumes.contains(name)
    }
}

/// Where the entry Service leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::observe) struct EntryService {
    /// The component in its selector.
    pub(in crate::observe) component: Option<ComponentName>,
    /// Why a request does not reach a pod, in one line; none if it does.
    pub(in crate::observe) issue: Option<String>,
}

/// The objects of a component, as they run.
#[derive(Clone, Debug, Default)]
pub struct RunningComponent {
    /// The component as its configuration and its workload say; none while one of them is missing.
    pub planned: Option<Component>,
    /// The revision of the configuration in its ConfigMap.
    pub revision: Option<Revision>,
    /// Its Deployment or StatefulSet.
    pub workload: Option<Workload>,
    /// Its pods without a deletion timestamp, by name.
    pub pods: Vec<RunningPod>,
    /// How many more of its pods are terminating.
    pub terminating: usize,
}

/// What a Deployment or StatefulSet reports of its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Whether its controller has observed the newest generation.
    pub is_observed: bool,
    /// The specified number of pods, `spec.replicas`.
    pub desired: u32,
    /// Pods that exist, of any template.
    pub total: u32,
    /// Pods of the newest template.
    pub updated: u32,
    /// Pods that are available.
    pub available: u32,
    /// Why its controller cannot create pods, in one line.
    pub issue: Option<String>,
}

/// A pod without a deletion timestamp.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningPod {
    /// The pod's name: for a StatefulSet it ends with the ordinal.
    pub name: String,
    /// The UID, the key of its report.
    pub uid: String,
    /// The address, once it has one.
    pub ip: Option<String>,
    /// Whether its condition `Ready` is true.
    pub ready: bool,
    /// The configuration revision in its annotation, which makes the kubelet refresh the mounted
    /// ConfigMap.
    pub requested_revision: Option<String>,
    /// Why it is not ready, in one line; none if its status has no reason.
    pub issue: Option<String>,
    /// The newest report, fresh or not.
    pub report: PodReport,
}
