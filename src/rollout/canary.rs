//! What the canary pod of a workload proves.

use super::change::template_hash;
use crate::observe::{Snapshot, is_controlled_by, readiness_issue};
use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, Pod},
    jiff::{SignedDuration, Timestamp},
};
use maquette_contract::keys::LABEL_COMPONENT;
use std::sync::Arc;

/// A canary that was evicted or lost its node is repeated after this time: the cause may be gone.
const REPEAT_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The state of a canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CanaryState {
    /// It has to be created, or has not ended yet; what it waits for, if that is known.
    Pending(Option<String>),
    /// Its container has ended with success: such pods start.
    Proven,
    /// It cannot start without a fix; the pod and the cause in one line.
    Stuck(String),
}

/// The state of the `wanted` canary in `snapshot`. One of another template does not count.
pub(super) fn canary_state(wanted: &Pod, snapshot: &Snapshot, now: Timestamp) -> CanaryState {
    let found = snapshot.pods.iter().find(|pod| is_same(pod, wanted));
    let Some(pod) = found else { return CanaryState::Pending(None) };
    let ends: Vec<_> = container_ends(pod, wanted).collect();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    match ends.iter().find(|end| end.exit_code != 0) {
        None if phase(pod) == Some("Succeeded") || !ends.is_empty() => CanaryState::Proven,
        _ if has_lost_place(pod, wanted) => {
            CanaryState::Stuck(name_fix(format!("pod {name}: {}", failure(pod))))
        }
        _ => match readiness_issue(pod, &snapshot.causes) {
            Some(issue) if issue.is_stuck(now) => {
                CanaryState::Stuck(name_fix(format!("pod {name}: {}", issue.message)))
            }
            issue => CanaryState::Pending(issue.map(|issue| name_fix(issue.message))),
        },
    }
}

/// The reason why a canary does not start, and the fix if it finds no room: unlike the pods that it
/// stands for, it runs beside the old ones.
pub(super) fn name_fix(reason: String) -> String {
    // As the scheduler, the admission of quotas and the kubelet say it.
    let lacks_room = ["Insufficient ", "Too many pods", "exceeded quota", "OutOf"];
    match lacks_room.iter().any(|part| reason.contains(part)) {
        true => format!(
            "{}; the canary needs room for one more pod: raise the quota or add a machine",
            reason.trim_end_matches('.')
        ),
        false => reason,
    }
}

/// Whether `pod` is the `wanted` canary: of the same name, Architecture and template.
fn is_same(pod: &Pod, wanted: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && pod.metadata.name == wanted.metadata.name
        && template_hash(&pod.metadata) == template_hash(&wanted.metadata)
        && owner_uid(wanted).is_none_or(|uid| is_controlled_by(&pod.metadata, uid))
}

fn owner_uid(pod: &Pod) -> Option<&str> {
    pod.metadata.owner_references.as_ref()?.first().map(|owner| owner.uid.as_str())
}

/// How the workload's container has ended. An injected sidecar may go on, and may be the first
/// container of the live pod: the name is that in `wanted`.
fn container_ends<'a>(
    pod: &'a Pod,
    wanted: &'a Pod,
) -> impl Iterator<Item = &'a ContainerStateTerminated> {
    let ours = wanted.spec.as_ref().and_then(|spec| spec.containers.first()).map(|one| &one.name);
    let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let containers = status.into_iter().flatten();
    containers
        .filter(move |container| Some(&container.name) == ours)
        .filter_map(|container| container.state.as_ref()?.terminated.as_ref())
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

/// Whether the pod failed for another cause than its container, such as an eviction or a lost node.
/// The container of an evicted pod may have an exit code, but the pod then has a reason.
fn has_lost_place(pod: &Pod, wanted: &Pod) -> bool {
    let has_reason = pod.status.as_ref().is_some_and(|status| status.reason.is_some());
    let has_failed_container = container_ends(pod, wanted).any(|end| end.exit_code != 0);
    phase(pod) == Some("Failed") && (has_reason || !has_failed_container)
}

/// Why such a pod failed.
fn failure(pod: &Pod) -> String {
    let status = pod.status.as_ref();
    let reason = status.and_then(|status| status.reason.as_deref()).unwrap_or("Failed");
    match status.and_then(|status| status.message.as_deref()) {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    }
}

/// The canaries in `snapshot` that are not among `wanted`, or that are to be repeated. One whose
/// container failed stays: the same settings would fail again.
pub(super) fn obsolete_canaries(
    wanted: &[Pod],
    snapshot: &Snapshot,
    uid: &str,
    now: Timestamp,
) -> Vec<Pod> {
    find_canaries(snapshot, uid)
        .filter(|pod| {
            let same = wanted.iter().find(|wanted| is_same(pod, wanted));
            same.is_none_or(|wanted| is_due_again(pod, wanted, now))
        })
        .map(|pod| Pod::clone(pod))
        .collect()
}

/// The canaries of the Architecture with this UID: it controls them itself, and they belong to no
/// component.
fn find_canaries<'a>(snapshot: &'a Snapshot, uid: &str) -> impl Iterator<Item = &'a Arc<Pod>> {
    snapshot.pods.iter().filter(move |pod| {
        let labels = pod.metadata.labels.as_ref();
        pod.metadata.deletion_timestamp.is_none()
            && is_controlled_by(&pod.metadata, uid)
            && labels.is_none_or(|labels| !labels.contains_key(LABEL_COMPONENT))
    })
}

/// All canaries of the Architecture with this UID, to delete when no change is applied.
pub fn all_canaries(snapshot: &Snapshot, uid: &str) -> Vec<Pod> {
    find_canaries(snapshot, uid).map(|pod| Pod::clone(pod)).collect()
}

fn is_due_again(pod: &Pod, wanted: &Pod, now: Timestamp) -> bool {
    let created = pod.metadata.creation_timestamp.as_ref();
    let is_old = created.is_some_and(|created| now.duration_since(created.0) > REPEAT_AFTER);
    is_old && has_lost_place(pod, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::{
        api::core::v1::{
            Container, ContainerState, ContainerStatus, PodCondition, PodSpec, PodStatus,
        },
        apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time},
    };

    fn owner() -> OwnerReference {
        OwnerReference {
            uid: "uid".to_owned(),
            controller: Some(true),
            ..OwnerReference::default()
        }
    }

    fn canary(containers: &[&str]) -> Pod {
        let containers = containers
            .iter()
            .map(|name| Container { name: (*name).to_owned(), ..Container::default() });
        Pod {
            metadata: ObjectMeta {
                name: Some("shop-data-canary".to_owned()),
                creation_timestamp: Some(Time(Timestamp::UNIX_EPOCH)),
                owner_references: Some(vec![owner()]),
                ..ObjectMeta::default()
            },
            spec: Some(PodSpec { containers: containers.collect(), ..PodSpec::default() }),
            status: None,
        }
    }

    /// The canary after its container has ended, in a pod with an injected first container.
    fn ended(exit_code: i32, phase: &str) -> Pod {
        let terminated = ContainerStateTerminated { exit_code, ..Default::default() };
        let state = ContainerState { terminated: Some(terminated), ..Default::default() };
        let container = ContainerStatus {
            name: "workload".to_owned(),
            state: Some(state),
            ..ContainerStatus::default()
        };
        let status = PodStatus {
            phase: Some(phase.to_owned()),
            container_statuses: Some(vec![container]),
            ..PodStatus::default()
        };
        Pod { status: Some(status), ..canary(&["istio-proxy", "workload"]) }
    }

    fn snapshot(pod: Pod) -> Snapshot {
        Snapshot { pods: vec![Arc::new(pod)], ..Snapshot::default() }
    }

    #[test]
    fn a_sidecar_that_is_injected_as_the_first_container_hides_no_result() {
        let wanted = canary(&["workload"]);
        let state = canary_state(&wanted, &snapshot(ended(0, "Running")), Timestamp::UNIX_EPOCH);
        assert_eq!(state, CanaryState::Proven);
    }

    #[test]
    fn canaries_are_the_pods_of_the_architecture_itself_without_a_component() {
        let mut of_component = canary(&["workload"]);
        let label = (LABEL_COMPONENT.to_owned(), "data".to_owned());
        of_component.metadata.labels = Some([label].into());
        assert!(all_canaries(&snapshot(of_component), "uid").is_empty());
        assert!(all_canaries(&snapshot(canary(&["workload"])), "another").is_empty());
        assert_eq!(all_canaries(&snapshot(canary(&["workload"])), "uid").len(), 1);
    }

    #[test]
    fn a_canary_without_room_names_the_fix() {
        let wanted = canary(&["workload"]);
        let status = PodStatus {
            conditions: Some(vec![PodCondition {
                type_: "PodScheduled".to_owned(),
                status: "False".to_owned(),
                message: Some("0/1 nodes are available: 1 Insufficient cpu.".to_owned()),
                ..PodCondition::default()
            }]),
            ..PodStatus::default()
        };
        let pending = snapshot(Pod { status: Some(status), ..canary(&["workload"]) });
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let CanaryState::Stuck(message) = canary_state(&wanted, &pending, now) else {
            panic!("it is not stuck")
        };
        let fix = "1 Insufficient cpu; the canary needs room for one more pod: raise the quota or \
                   add a machine";
        assert!(message.ends_with(fix), "{message}");
        assert_eq!(name_fix("image a cannot be pulled".to_owned()), "image a cannot be pulled");
    }

    #[test]
    fn only_a_canary_that_lost_its_place_is_repeated() {
        let wanted = [canary(&["workload"])];
        let now = Timestamp::UNIX_EPOCH + REPEAT_AFTER * 2;
        let failed = snapshot(ended(1, "Failed"));
        assert!(obsolete_canaries(&wanted, &failed, "uid", now).is_empty());
        let expected = "pod shop-data-canary: its container exits: Error, code 1; see its log";
        let stuck = CanaryState::Stuck(expected.to_owned());
        assert_eq!(canary_state(&wanted[0], &failed, now), stuck);

        let mut evicted = ended(137, "Failed");
        evicted.status.as_mut().unwrap().reason = Some("Evicted".to_owned());
        let evicted = snapshot(evicted);
        assert_eq!(obsolete_canaries(&wanted, &evicted, "uid", now).len(), 1);
        let stuck = CanaryState::Stuck("pod shop-data-canary: Evicted".to_owned());
        assert_eq!(canary_state(&wanted[0], &evicted, now), stuck);
    }
}
