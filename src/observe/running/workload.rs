//! Reads Deployments and StatefulSets: their specification and their status.

use super::{
    lookup::{component_of, find_named},
    pod::pod_ordinal,
    prose,
    topology::Workload,
};
use crate::{
    observe::{Causes, Snapshot, text::one_line},
    plan::Volume,
};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{PersistentVolumeClaim, Pod, PodSpec, ResourceRequirements},
};
use maquette_contract::{ComponentName, keys::CLAIM, ports};

/// Longest message of a controller that is kept, in characters.
const MAX_ISSUE_CHARS: usize = 300;

/// The part of a component that is in its Deployment or StatefulSet and not in its configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct WorkloadSpec {
    pub(super) replicas: u32,
    pub(super) resources: ResourceRequirements,
    pub(super) storage: Option<Volume>,
    /// Whether its pods serve their own items on a port for that.
    pub(super) has_internal_port: bool,
}

impl WorkloadSpec {
    fn from_deployment(deployment: &Deployment) -> Option<Self> {
        let spec = deployment.spec.as_ref()?;
        let resources = container_resources(spec.template.spec.as_ref()?);
        let replicas = replica_count(spec.replicas);
        Some(Self { replicas, resources, storage: None, has_internal_port: false })
    }

    fn from_stateful_set(set: &StatefulSet) -> Option<Self> {
        let spec = set.spec.as_ref()?;
        let pod = spec.template.spec.as_ref()?;
        let claims = spec.volume_claim_templates.as_deref().unwrap_or_default();
        let claim = claims.iter().find(|claim| claim.metadata.name.as_deref() == Some(CLAIM));
        let storage = claim.and_then(claimed_volume);
        Some(Self {
            replicas: replica_count(spec.replicas),
            resources: container_resources(pod),
            storage,
            has_internal_port: has_internal_port(pod),
        })
    }

    /// From orphaned pods and the claim of one of them.
    fn from_orphans(pods: &[&Pod], claim: &PersistentVolumeClaim) -> Option<Self> {
        let names = pods.iter().filter_map(|pod| pod.metadata.name.as_deref());
        let template = pods.iter().find_map(|pod| pod.spec.as_ref());
        Some(Self {
            replicas: names.filter_map(pod_ordinal).max()? + 1,
            resources: template.map(container_resources).unwrap_or_default(),
            storage: Some(claimed_volume(claim)?),
            has_internal_port: template.is_none_or(has_internal_port),
        })
    }
}

fn replica_count(replicas: Option<i32>) -> u32 {
    replicas.and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
}

fn container_resources(pod: &PodSpec) -> ResourceRequirements {
    pod.containers.first().and_then(|c| c.resources.clone()).unwrap_or_default()
}

fn has_internal_port(pod: &PodSpec) -> bool {
    let mut served = pod.containers.iter().flat_map(|container| container.ports.iter().flatten());
    served.any(|port| port.container_port == i32::from(ports::INTERNAL.number))
}

fn claimed_volume(claim: &PersistentVolumeClaim) -> Option<Volume> {
    let spec = claim.spec.as_ref()?;
    let size = spec.resources.as_ref()?.requests.as_ref()?.get("storage")?;
    Some(Volume { size: size.0.clone(), storage_class: spec.storage_class_name.clone() })
}

/// The Deployment of this name.
pub(super) fn read_deployment(
    snapshot: &Snapshot,
    name: &str,
) -> (Option<Workload>, Option<WorkloadSpec>) {
    let Some(found) = find_named(&snapshot.deployments, name) else { return (None, None) };
    (Some(deployment_workload(found)), WorkloadSpec::from_deployment(found))
}

/// The StatefulSet of this name, or the pods that it left behind.
pub(super) fn read_stateful_set(
    snapshot: &Snapshot,
    name: &str,
    component: &ComponentName,
) -> (Option<Workload>, Option<WorkloadSpec>) {
    let Some(found) = find_named(&snapshot.stateful_sets, name) else {
        return (None, orphaned_spec(snapshot, component));
    };
    (Some(stateful_set_workload(found, &snapshot.causes)), WorkloadSpec::from_stateful_set(found))
}

fn deployment_workload(deployment: &Deployment) -> Workload {
    let desired = to_count(deployment.spec.as_ref().and_then(|spec| spec.replicas));
    let Some(status) = &deployment.status else {
        return Workload { desired, ..Workload::default() };
    };
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let failure = conditions.iter().find(|c| c.type_ == "ReplicaFailure" && c.status == "True");
    let refusal = failure.and_then(|c| c.message.as_deref()).map(prose::refusal);
    let updated = to_count(status.updated_replicas);
    Workload {
        is_observed: status.observed_generation >= deployment.metadata.generation,
        desired,
        total: to_count(status.replicas),
        updated,
        available: to_count(status.available_replicas),
        is_rolling: is_rolling(deployment),
        issue: refusal
            .or_else(|| pause_issue(deployment).filter(|_| updated < desired))
            .map(|text| one_line(&text, MAX_ISSUE_CHARS)),
    }
}

/// Whether a rollout has begun and neither ended nor run out of time. A pod that is lost later does
/// not change that.
fn is_rolling(deployment: &Deployment) -> bool {
    let conditions = deployment.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut progressing = conditions.filter(|condition| condition.type_ == "Progressing");
    progressing.any(|condition| {
        let reason = condition.reason.as_deref();
        condition.status == "True" && reason != Some("NewReplicaSetAvailable")
    })
}

/// That a user suspended the Deployment: it creates no pods of a new template.
fn pause_issue(deployment: &Deployment) -> Option<String> {
    let name = deployment.metadata.name.as_deref()?;
    let is_paused = deployment.spec.as_ref()?.paused == Some(true);
    is_paused.then(|| {
        format!("Deployment {name} is paused: run kubectl rollout resume deployment/{name}")
    })
}

fn stateful_set_workload(set: &StatefulSet, causes: &Causes) -> Workload {
    let desired = to_count(set.spec.as_ref().and_then(|spec| spec.replicas));
    let Some(status) = &set.status else {
        return Workload { desired, ..Workload::default() };
    };
    Workload {
        is_observed: status.observed_generation >= set.metadata.generation,
        desired,
        total: to_count(Some(status.replicas)),
        updated: to_count(status.updated_replicas),
        available: to_count(status.available_replicas),
        // The controller sets the current revision when all pods of the newest are ready.
        is_rolling: status.current_revision != status.update_revision,
        issue: refused_pods(set, causes).filter(|_| to_count(Some(status.replicas)) < desired),
    }
}

/// Why the controller cannot create pods: only its Events say so.
fn refused_pods(set: &StatefulSet, causes: &Causes) -> Option<String> {
    let warning = causes.warnings.get(set.metadata.uid.as_deref()?)?.as_ref()?;
    (warning.reason == "FailedCreate")
        .then(|| one_line(&prose::refusal(&warning.message), MAX_ISSUE_CHARS))
}

/// A count of pods in a status; zero where it is absent.
fn to_count(n: Option<i32>) -> u32 {
    n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

/// The specification of a StatefulSet that was deleted without its pods. The pods run, so the
/// component does; a new StatefulSet of the same name adopts them.
fn orphaned_spec(snapshot: &Snapshot, component: &ComponentName) -> Option<WorkloadSpec> {
    let pods: Vec<&Pod> = snapshot
        .pods
        .iter()
        .map(AsRef::as_ref)
        .filter(|pod| component_of(&pod.metadata).as_ref() == Some(component))
        .filter(|pod| pod.metadata.deletion_timestamp.is_none() && !is_controlled(pod))
        .collect();
    let mut claims = snapshot.claims.iter();
    let claim = claims.find(|claim| component_of(&claim.metadata).as_ref() == Some(component))?;
    WorkloadSpec::from_orphans(&pods, claim)
}

/// Whether a controller owns the pod. Pods that are deleted with their StatefulSet still name it.
fn is_controlled(pod: &Pod) -> bool {
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true))
}
