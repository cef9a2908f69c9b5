//! The running topology: parsed from what runs.

use super::{
    PodReport, Snapshot,
    entry::{self, EntryService},
    parse, pod,
    text::one_line,
};
use crate::plan::{Component, Identity};
use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, PersistentVolumeClaim as Claim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette_contract::{
    ComponentConfig, ComponentName, Revision, Role,
    keys::{ANNOTATION_USED_BY, CONFIG_FILE, LABEL_COMPONENT},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What runs of an Architecture.
#[derive(Clone, Debug, Default)]
pub struct RunningTopology {
    pub(super) entry: EntryService,
    pub(crate) components: BTreeMap<ComponentName, RunningComponent>,
    /// Components with a workload that serves and whose settings are gone.
    unreadable: BTreeSet<ComponentName>,
    /// Components with a volume that this very Architecture used, whether they still run or not.
    volumes: BTreeSet<ComponentName>,
}

impl RunningTopology {
    /// What runs where the entry Service leads to `entry`, as it should.
    pub(crate) fn new(
        entry: Option<ComponentName>,
        components: BTreeMap<ComponentName, RunningComponent>,
    ) -> Self {
        Self {
            entry: EntryService { component: entry, issue: None },
            components,
            ..Self::default()
        }
    }

    /// The component behind the entry Service.
    pub fn entry(&self) -> Option<&ComponentName> {
        self.entry.component.as_ref()
    }

    /// The components of which something runs, by name.
    pub fn components(&self) -> impl Iterator<Item = (&ComponentName, &RunningComponent)> {
        self.components.iter()
    }

    /// The component of this name.
    pub fn component(&self, name: &ComponentName) -> Option<&RunningComponent> {
        self.components.get(name)
    }

    /// Components that run, of which nobody knows what they do: somebody deleted their settings.
    pub fn unreadable(&self) -> impl Iterator<Item = &ComponentName> {
        self.unreadable.iter()
    }

    /// Whether the component has a volume that this very Architecture used, and not only an earlier one
    /// of its name.
    pub fn has_volume(&self, name: &ComponentName) -> bool {
        self.volumes.contains(name)
    }
}

/// What runs of a component.
#[derive(Clone, Debug, Default)]
pub struct RunningComponent {
    /// The component as its configuration and its workload say; none while one of them is missing.
    pub planned: Option<Component>,
    /// The revision of the configuration in its ConfigMap.
    pub revision: Option<Revision>,
    /// Its Deployment or StatefulSet.
    pub workload: Option<Workload>,
    /// Its pods that are not on their way out, by name.
    pub pods: Vec<RunningPod>,
    /// How many more of its pods are on their way out.
    pub terminating: usize,
}

/// What a Deployment or StatefulSet says of its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Whether its controller has seen the newest specification.
    pub is_observed: bool,
    /// Pods asked for.
    pub desired: u32,
    /// Pods that are, of whatever template.
    pub total: u32,
    /// Pods of the newest template.
    pub updated: u32,
    /// Pods that are available.
    pub available: u32,
    /// Why it cannot make pods.
    pub issue: Option<String>,
}

/// A pod that is not on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningPod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// Where it listens, once it has an address.
    pub ip: Option<String>,
    /// Whether its condition `Ready` is true.
    pub ready: bool,
    /// The configuration revision that its annotation asks it to load, and how often it was asked.
    pub requested_revision: Option<String>,
    /// Why it is not ready, in one line, if somebody knows.
    pub issue: Option<String>,
    /// What it reported.
    pub report: PodReport,
}

/// How many pods of a component are asked for a report when all is well; peers are asked all.
pub const REPORT_SAMPLE: usize = 3;

/// The pods whose reports count: of peers all, else the first few of a component.
pub fn sampled_pods(role: Role, pods: &[RunningPod]) -> &[RunningPod] {
    if role == Role::Peer { pods } else { &pods[..pods.len().min(REPORT_SAMPLE)] }
}

/// What runs, as `snapshot` has it.
pub fn running_topology(identity: &Identity, snapshot: &Snapshot) -> RunningTopology {
    let mut components: BTreeMap<ComponentName, RunningComponent> = BTreeMap::new();
    for config_map in &snapshot.config_maps {
        if let Some((name, text, config)) = read_config(config_map) {
            let component = components.entry(name.clone()).or_default();
            component.revision = Some(ComponentConfig::revision_of(text));
            let child = identity.name.object_name(&name);
            let (workload, shell) = match config.role() {
                Role::Service | Role::Load => read_deployment(snapshot, &child),
                Role::Store | Role::Peer => read_stateful_set(snapshot, &child, &name),
            };
            component.planned = shell.and_then(|shell| parse::parse_component(&config, &shell));
            component.workload = workload;
        }
    }
    for found in snapshot.pods.iter().filter(|pod| !pod::has_ended(pod)) {
        let Some(name) = component_of(found.metadata()) else { continue };
        let component = components.entry(name).or_default();
        match found.metadata.deletion_timestamp {
            None => component.pods.push(running_pod(found, snapshot)),
            Some(_) => component.terminating += 1,
        }
    }
    components
        .values_mut()
        .for_each(|component| component.pods.sort_by(|a, b| a.name.cmp(&b.name)));
    let entry = entry::read_entry(&snapshot.services, &snapshot.pods, identity.name.as_str());
    let unreadable = unreadable_components(identity, snapshot, &components);
    RunningTopology {
        entry,
        components,
        unreadable,
        volumes: components_with_volume(identity, snapshot),
    }
}

fn unreadable_components(
    identity: &Identity,
    snapshot: &Snapshot,
    components: &BTreeMap<ComponentName, RunningComponent>,
) -> BTreeSet<ComponentName> {
    let deployments = snapshot.deployments.iter().map(|found| found.metadata());
    let stateful_sets = snapshot.stateful_sets.iter().map(|found| found.metadata());
    let workloads = deployments.chain(stateful_sets).filter(|m| m.deletion_timestamp.is_none());
    // Pods that never had settings are not ready.
    let serves = |name: &ComponentName| {
        let component = components.get(name);
        component.is_some_and(|component| {
            component.revision.is_none() && component.pods.iter().any(|pod| pod.ready)
        })
    };
    let prefix = format!("{}-", identity.name);
    let component =
        |workload: &ObjectMeta| workload.name.as_ref()?.strip_prefix(&prefix)?.parse().ok();
    workloads.filter_map(component).filter(serves).collect()
}

fn components_with_volume(identity: &Identity, snapshot: &Snapshot) -> BTreeSet<ComponentName> {
    let used = |claim: &&Claim| {
        let user = claim.metadata.annotations.as_ref().and_then(|a| a.get(ANNOTATION_USED_BY));
        user == Some(&identity.uid)
    };
    let claims = snapshot.claims.iter().map(Arc::as_ref).filter(used);
    claims.filter_map(|claim| component_of(claim.metadata())).collect()
}

fn component_of(metadata: &ObjectMeta) -> Option<ComponentName> {
    metadata.labels.as_ref()?.get(LABEL_COMPONENT)?.parse().ok()
}

fn read_config(config_map: &ConfigMap) -> Option<(ComponentName, &str, ComponentConfig)> {
    let text = config_map.data.as_ref()?.get(CONFIG_FILE)?;
    let config = ComponentConfig::from_json(text).ok()?;
    Some((config.component.clone(), text, config))
}

/// By name: a label is put back once somebody has changed it.
fn find_named<'a, K: Metadata<Ty = ObjectMeta>>(
    objects: &'a [Arc<K>],
    name: &str,
) -> Option<&'a K> {
    objects.iter().map(Arc::as_ref).find(|object| object.metadata().name.as_deref() == Some(name))
}

fn to_count(n: Option<i32>) -> u32 {
    n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

fn read_deployment(
    snapshot: &Snapshot,
    name: &str,
) -> (Option<Workload>, Option<parse::WorkloadSpec>) {
    let Some(found) = find_named(&snapshot.deployments, name) else { return (None, None) };
    (Some(deployment_workload(found)), parse::WorkloadSpec::from_deployment(found))
}

fn deployment_workload(deployment: &Deployment) -> Workload {
    let wanted = to_count(deployment.spec.as_ref().and_then(|spec| spec.replicas));
    let Some(status) = &deployment.status else {
        return Workload { desired: wanted, ..Workload::default() };
    };
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let failure = conditions.iter().find(|c| c.type_ == "ReplicaFailure" && c.status == "True");
    Workload {
        is_observed: status.observed_generation >= deployment.metadata.generation,
        desired: wanted,
        total: to_count(status.replicas),
        updated: to_count(status.updated_replicas),
        available: to_count(status.available_replicas),
        issue: failure.and_then(|c| c.message.as_deref()).map(|text| one_line(text, 300)),
    }
}

fn read_stateful_set(
    snapshot: &Snapshot,
    name: &str,
    component: &ComponentName,
) -> (Option<Workload>, Option<parse::WorkloadSpec>) {
    let Some(found) = find_named(&snapshot.stateful_sets, name) else {
        return (None, orphaned_spec(snapshot, component));
    };
    (Some(stateful_set_workload(found)), parse::WorkloadSpec::from_stateful_set(found))
}

/// What a StatefulSet was that was deleted without its pods: they run, so the component does, and one
/// that is made anew takes them over. Pods that are to go with their StatefulSet still have it as
/// their owner.
fn orphaned_spec(snapshot: &Snapshot, component: &ComponentName) -> Option<parse::WorkloadSpec> {
    let owned = |pod: &Pod| {
        let mut owners = pod.metadata.owner_references.iter().flatten();
        owners.any(|owner| owner.controller == Some(true))
    };
    let pods = snapshot.pods.iter().map(Arc::as_ref);
    let of_component_and_free = |pod: &&Pod| {
        component_of(pod.metadata()).as_ref() == Some(component)
            && pod.metadata.deletion_timestamp.is_none()
            && !owned(pod)
    };
    let pods: Vec<&Pod> = pods.filter(of_component_and_free).collect();
    let of_component = |claim: &&Claim| component_of(claim.metadata()).as_ref() == Some(component);
    parse::WorkloadSpec::from_orphans(
        &pods,
        snapshot.claims.iter().map(Arc::as_ref).find(of_component)?,
    )
}

fn stateful_set_workload(set: &StatefulSet) -> Workload {
    let wanted = to_count(set.spec.as_ref().and_then(|spec| spec.replicas));
    let Some(status) = &set.status else {
        return Workload { desired: wanted, ..Workload::default() };
    };
    Workload {
        is_observed: status.observed_generation >= set.metadata.generation,
        desired: wanted,
        total: to_count(Some(status.replicas)),
        updated: to_count(status.updated_replicas),
        available: to_count(status.available_replicas),
        issue: None,
    }
}

fn running_pod(found: &Pod, snapshot: &Snapshot) -> RunningPod {
    let metadata = &found.metadata;
    let uid = metadata.uid.clone().unwrap_or_default();
    let annotations = metadata.annotations.as_ref();
    let asked =
        annotations.and_then(|a| a.get(maquette_contract::keys::ANNOTATION_CONFIG_REVISION));
    RunningPod {
        name: metadata.name.clone().unwrap_or_default(),
        ip: found.status.as_ref().and_then(|status| status.pod_ip.clone()),
        ready: pod::is_ready(found),
        requested_revision: asked.cloned(),
        issue: pod::readiness_issue(found),
        report: snapshot.reports.get(&uid).cloned().unwrap_or_default(),
        uid,
    }
}
