//! The types of the running topology. Only `read` fills them from objects.

use crate::{observe::PodReport, plan::Component};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use maquette_contract::{ComponentName, Revision};
use std::collections::{BTreeMap, BTreeSet};

/// The model that runs: its components and where the entry Service leads.
#[derive(Clone, Debug, Default)]
pub struct RunningTopology {
    pub(in crate::observe) entry: EntryService,
    pub(crate) components: BTreeMap<ComponentName, RunningComponent>,
    /// Components whose workload has a ready pod and whose ConfigMap is missing.
    pub(super) unreadable: BTreeSet<ComponentName>,
    /// The ConfigMaps whose settings cannot be read, each with the reason.
    pub(super) unreadable_settings: Vec<String>,
    /// Components with a volume that this very Architecture used, whether they still run or not.
    pub(super) volumes: BTreeSet<ComponentName>,
    /// Components whose StatefulSet says that its peers began with other members, or that have
    /// volumes and no settings that say with which.
    pub(super) members_changed: BTreeSet<ComponentName>,
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

    /// The ConfigMaps whose settings this version cannot read, each with the reason, in one line.
    /// While there is one, nothing may be changed: what its component does is unknown.
    pub fn unreadable_settings(&self) -> &[String] {
        &self.unreadable_settings
    }

    /// Whether the component has a volume that this very Architecture used. A volume of an earlier
    /// Architecture of the same name does not count.
    pub fn has_volume(&self, name: &ComponentName) -> bool {
        self.volumes.contains(name)
    }

    /// Whether the peers of this name may have begun with other members than `members`, as far as
    /// their objects and volumes show it.
    pub fn may_have_other_members(&self, name: &ComponentName, members: u32) -> bool {
        let listed = self.component(name).and_then(|component| component.members);
        self.members_changed.contains(name)
            || listed.is_some_and(|listed| listed.have_changed || listed.count != members)
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
    /// The members in the configuration of peers, also while they have no StatefulSet.
    pub members: Option<ListedMembers>,
    /// Its Deployment or StatefulSet.
    pub workload: Option<Workload>,
    /// Its pods without a deletion timestamp, by name.
    pub pods: Vec<RunningPod>,
    /// Its pods with a deletion timestamp.
    pub terminating: Vec<TerminatingPod>,
    /// Why a claim of its pods gets no volume, in one line.
    pub claim_issue: Option<String>,
    /// Whether its pods have claims and none of them has a volume.
    pub claims_unbound: bool,
}

/// The members of peers, as their configuration lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedMembers {
    /// How many there are.
    pub count: u32,
    /// Whether the peers began with others.
    pub have_changed: bool,
}

/// A pod with a deletion timestamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminatingPod {
    /// The pod's name.
    pub name: String,
    /// The machine that it runs on; none if it was never scheduled.
    pub machine: Option<String>,
    /// The end of its grace period, the deletion timestamp.
    pub deadline: Timestamp,
    /// The components that its last report has edges to; none without a report.
    pub targets: Option<BTreeSet<ComponentName>>,
}

/// How long after its grace period a pod may still be there on a machine that works.
const TERMINATION_SLACK: SignedDuration = SignedDuration::from_secs(30);

impl TerminatingPod {
    /// Whether the pod should have ended: its machine may be dead.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now.duration_since(self.deadline) > TERMINATION_SLACK
    }

    /// Why it does not end, and the fix.
    pub fn overdue_message(&self) -> String {
        let name = &self.name;
        match &self.machine {
            Some(machine) => format!(
                "pod {name} on node {machine} did not end within its grace period: if that machine \
                 is gone for good, run kubectl delete pod {name} --force --grace-period=0"
            ),
            None => format!(
                "pod {name} did not end within its grace period: look for a finalizer in its \
                 metadata"
            ),
        }
    }
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
    /// Whether its controller replaces pods by those of a newer template.
    pub is_rolling: bool,
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
    /// Why it is not ready; none if its status has no reason.
    pub issue: Option<PodIssue>,
    /// The newest report, fresh or not.
    pub report: PodReport,
}

/// Why a pod is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodIssue {
    /// In one line.
    pub message: String,
    /// From when on it counts as one that does not end by itself; none: from the start.
    pub stuck_from: Option<Timestamp>,
}

impl PodIssue {
    /// Whether it lasts until a user fixes it, as far as is known at `now`.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        self.stuck_from.is_none_or(|from| now >= from)
    }
}
