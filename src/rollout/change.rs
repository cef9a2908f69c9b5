//! One component: its wanted and its live pod template, and what a change would endanger.

use super::input::RolloutInput;
use crate::{
    observe::{RunningComponent, Snapshot, is_controlled_by, pod_ordinal, readiness_issue},
    plan::Component,
    render::{PodController, first_difference},
};
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{Pod, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use maquette_contract::{
    Role,
    keys::{ANNOTATION_TEMPLATE_HASH, LABEL_COMPONENT},
};

/// The label by which a StatefulSet's controller marks the template of a pod.
const REVISION_LABEL: &str = "controller-revision-hash";

/// Whether the pods of a component change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PodChange {
    /// Its template is the wanted one, or it is created now.
    None,
    /// Its template is the wanted one, and pods of an older one remain.
    Rolling,
    /// Its template differs, and no ready pod is at risk: it is broken already.
    Unprotected,
    /// Its template differs. A new pod starts beside the old ones.
    Surge,
    /// Its template differs. A pod ends before its successor starts.
    Replace,
}

impl PodChange {
    /// What applying `wanted` to the workload of `component` means for its pods.
    pub(super) fn of<W: PodController>(
        component: &Component,
        wanted: &W,
        live: Option<&W>,
        input: &RolloutInput<'_>,
    ) -> Self {
        let running = input.running.component(&component.name);
        let Some(live) = live else {
            return match orphan_at_risk(component, wanted, input) {
                true => Self::Replace,
                false => Self::None,
            };
        };
        if !differs(wanted, live) {
            let workload = running.and_then(|running| running.workload.as_ref());
            let is_rolling = workload.is_some_and(|workload| workload.total > workload.updated);
            return if is_rolling { Self::Rolling } else { Self::None };
        }
        match running {
            Some(running) if is_at_risk(component.role(), running) => match component.role() {
                Role::Service => Self::Surge,
                Role::Store | Role::Peer | Role::Load => Self::Replace,
            },
            _ => Self::Unprotected,
        }
    }

    /// Whether the wanted template is not the live one.
    pub(super) fn is_pending(self) -> bool {
        matches!(self, Self::Unprotected | Self::Surge | Self::Replace)
    }

    /// Whether a pod that serves is at risk.
    pub(super) fn is_careful(self) -> bool {
        matches!(self, Self::Surge | Self::Replace)
    }
}

/// Whether the templates differ. The hash shows fields that are not wanted any more, the comparison
/// those that another client changed.
fn differs<W: PodController>(wanted: &W, live: &W) -> bool {
    let (hash, live_hash) = (template_hash(wanted.metadata()), template_hash(live.metadata()));
    live_hash.is_some_and(|live_hash| hash != Some(live_hash))
        || first_difference(&wanted.template(), &live.template()).is_some()
}

/// The hash of the template that was applied last, in the annotation of a workload or a canary.
pub(super) fn template_hash(metadata: &ObjectMeta) -> Option<&String> {
    metadata.annotations.as_ref()?.get(ANNOTATION_TEMPLATE_HASH)
}

/// Whether a change of the template may end a pod that serves.
fn is_at_risk(role: Role, running: &RunningComponent) -> bool {
    match role {
        // A Deployment that is not available, or that waits for a pod of an older change, gains by
        // a newer template: it deletes no available pod for it.
        Role::Service => running.workload.as_ref().is_some_and(|workload| {
            workload.available >= workload.desired
                && workload.available > 0
                && workload.total <= workload.updated
        }),
        // The controller replaces the pod with the highest ordinal first, and stops there until the
        // new one is ready.
        Role::Store | Role::Peer => {
            let first = running.pods.iter().max_by_key(|pod| pod_ordinal(&pod.name));
            first.is_some_and(|pod| pod.ready)
        }
        Role::Load => running.pods.iter().any(|pod| pod.ready),
    }
}

/// Whether a StatefulSet, when it is created again, would replace the pods that it was deleted
/// without.
fn orphan_at_risk<W: PodController>(
    component: &Component,
    wanted: &W,
    input: &RolloutInput<'_>,
) -> bool {
    let Some(template) = wanted.template() else { return false };
    let orphans = input.snapshot.pods.iter().filter(|pod| {
        let labels = pod.metadata.labels.as_ref();
        labels.and_then(|labels| labels.get(LABEL_COMPONENT)).map(String::as_str)
            == Some(component.name.as_str())
            && pod.metadata.deletion_timestamp.is_none()
            && pod.metadata.owner_references.as_ref().is_none_or(Vec::is_empty)
    });
    let has_ready = input
        .running
        .component(&component.name)
        .is_some_and(|running| is_at_risk(component.role(), running));
    has_ready && orphans.into_iter().any(|pod| differs_from_pod(template, pod))
}

/// Compares what is cached of a pod: images, resources and the node selector.
fn differs_from_pod(template: &PodTemplateSpec, pod: &Pod) -> bool {
    let (wanted, found) = (template.spec.as_ref(), pod.spec.as_ref());
    let containers = wanted.map(|spec| &spec.containers).into_iter().flatten();
    let found_containers = found.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let mut pairs = containers.map(|container| {
        (container, found_containers.iter().find(|found| found.name == container.name))
    });
    pairs.any(|(container, found)| {
        found.is_none_or(|found| {
            container.image != found.image
                || first_difference(&container.resources, &found.resources).is_some()
        })
    }) || wanted.and_then(|spec| spec.node_selector.as_ref())
        != found.and_then(|spec| spec.node_selector.as_ref())
}

/// Pods of the live StatefulSet that have an older template and cannot become ready. Its controller
/// may wait for such a pod without end, so the operator deletes it.
pub(super) fn stuck_at_older_template(live: &StatefulSet, snapshot: &Snapshot) -> Vec<Pod> {
    let Some(status) = &live.status else { return vec![] };
    let Some(revision) = &status.update_revision else { return vec![] };
    if status.observed_generation < live.metadata.generation {
        return vec![];
    }
    let uid = live.metadata.uid.as_deref().unwrap_or_default();
    let pods = snapshot.pods.iter().filter(|pod| {
        pod.metadata.deletion_timestamp.is_none()
            && is_controlled_by(&pod.metadata, uid)
            && is_stuck_at_other_revision(pod, revision, snapshot)
    });
    pods.map(|pod| Pod::clone(pod)).collect()
}

fn is_stuck_at_other_revision(pod: &Pod, revision: &String, snapshot: &Snapshot) -> bool {
    let labels = pod.metadata.labels.as_ref();
    let own = labels.and_then(|labels| labels.get(REVISION_LABEL));
    let status = pod.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    let mut states = containers.into_iter().flatten().filter_map(|one| one.state.as_ref());
    own.is_some_and(|own| own != revision)
        && states.all(|state| state.running.is_none())
        && readiness_issue(pod, &snapshot.causes).is_some()
}
