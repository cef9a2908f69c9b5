//! Causes that the objects' status does not contain. They are read on demand, only while something
//! waits: never in a steady state.

use super::Snapshot;
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::{SignedDuration, Timestamp},
};
use std::collections::BTreeMap;

/// How long a pod may take to be scheduled and its containers to be created before its Events are
/// read.
const START_GRACE: SignedDuration = SignedDuration::from_secs(30);
/// The same for a pod that no scheduler has looked at.
const SCHEDULER_GRACE: SignedDuration = SignedDuration::from_secs(120);
/// How long a claim may take to be bound before the StorageClasses are read.
const BIND_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// The newest Warning Event of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Such as `FailedCreate`.
    pub reason: String,
    /// The Event's text.
    pub message: String,
}

/// The StorageClasses of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageClassNames {
    /// All names, in order.
    pub names: Vec<String>,
    /// The one that a claim without a class gets.
    pub default: Option<String>,
}

/// What was read on demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// By the object's UID: its newest Warning Event; none if it has none. Objects that were not
    /// asked about are absent.
    pub warnings: BTreeMap<String, Option<Warning>>,
    /// None unless a claim waits, or if the operator may not read them.
    pub storage_classes: Option<StorageClassNames>,
}

/// An object that waits for something that its status does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingObject {
    /// Its UID, which its Events name.
    pub uid: String,
    /// From when on its Events may be read; none: a few seconds after it was first seen waiting,
    /// because it has no time of its own.
    pub due: Option<Timestamp>,
}

/// The objects whose Events say what they wait for: StatefulSets without all their pods, pods that
/// are not started, and claims that are not bound.
pub fn waiting_objects(snapshot: &Snapshot) -> Vec<WaitingObject> {
    let sets = snapshot.stateful_sets.iter().filter(|set| lacks_pods(set));
    let sets = sets.map(|set| (&set.metadata, None));
    let pods = snapshot.pods.iter().filter(|pod| waits_to_start(pod));
    let pods = pods.map(|pod| (&pod.metadata, Some(start_grace(pod))));
    let claims = waiting_claims(snapshot).map(|claim| (&claim.metadata, Some(START_GRACE)));
    let waiting = sets.chain(pods).chain(claims).filter_map(|(metadata, grace)| {
        let uid = metadata.uid.clone()?;
        let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
        let due = grace.and_then(|grace| created?.checked_add(grace).ok());
        Some(WaitingObject { uid, due })
    });
    waiting.collect()
}

/// From when on the StorageClasses may be read: while a claim of a pod that is not ready is not
/// bound. None if none is.
pub fn storage_classes_due(snapshot: &Snapshot) -> Option<Timestamp> {
    let created = waiting_claims(snapshot)
        .filter_map(|claim| Some(claim.metadata.creation_timestamp.as_ref()?.0));
    created.min()?.checked_add(BIND_GRACE).ok()
}

fn start_grace(pod: &Pod) -> SignedDuration {
    if has_conditions(pod) { START_GRACE } else { SCHEDULER_GRACE }
}

/// Whether the scheduler or a kubelet has looked at the pod.
fn has_conditions(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|conditions| !conditions.is_empty())
}

fn lacks_pods(set: &StatefulSet) -> bool {
    let desired = set.spec.as_ref().map_or(1, |spec| spec.replicas.unwrap_or(1));
    let existing = set.status.as_ref().map_or(0, |status| status.replicas);
    existing < desired
}

/// Whether no container of the pod was created, and no condition says why.
pub(super) fn waits_to_start(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    if pod.metadata.deletion_timestamp.is_some()
        || status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending") != "Pending"
        || crate::observe::running::is_unschedulable(pod)
    {
        return false;
    }
    let containers = status.and_then(|status| status.container_statuses.as_deref());
    containers.unwrap_or_default().iter().all(|container| {
        let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
        matches!(reason, Some("ContainerCreating" | "PodInitializing"))
    })
}

/// Claims without a volume, of pods that were looked at and are not ready.
pub(in crate::observe) fn waiting_claims(
    snapshot: &Snapshot,
) -> impl Iterator<Item = &PersistentVolumeClaim> {
    snapshot.claims.iter().map(AsRef::as_ref).filter(|claim| {
        !has_volume(claim)
            && claim.metadata.deletion_timestamp.is_none()
            && user_of(snapshot, &claim.metadata)
                .is_some_and(|pod| has_conditions(pod) && !crate::observe::running::is_ready(pod))
    })
}

/// Whether the claim has a volume, or is about to have one.
pub(crate) fn has_volume(claim: &PersistentVolumeClaim) -> bool {
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
    let volume = claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref());
    phase == Some("Bound") || volume.is_some_and(|volume| !volume.is_empty())
}

/// The pod that uses the claim.
pub(crate) fn user_of<'a>(snapshot: &'a Snapshot, claim: &ObjectMeta) -> Option<&'a Pod> {
    let name = claim.name.as_deref()?;
    snapshot.pods.iter().map(AsRef::as_ref).find(|pod| uses_claim(pod, name))
}

/// Whether the pod mounts the claim of this name.
pub(crate) fn uses_claim(pod: &Pod, claim: &str) -> bool {
    let mut volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.any(|volume| {
        volume.persistent_volume_claim.as_ref().is_some_and(|source| source.claim_name == claim)
    })
}
