//! A pod's object: its ordinal, whether it is ready, and what keeps it from being ready.

use super::{prose, topology::PodIssue};
use crate::observe::{Causes, text::one_line};
use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodCondition},
    jiff::{SignedDuration, Timestamp},
};

/// Longest issue of a pod, in characters.
const MAX_ISSUE_CHARS: usize = 300;
/// An autoscaler may add a machine, and a volume may be attached: within this time a pod that waits
/// for one does not count as stuck.
const WAIT_GRACE: SignedDuration = SignedDuration::from_secs(180);

/// The ordinal at the end of the name of a StatefulSet's pod.
pub fn pod_ordinal(pod: &str) -> Option<u32> {
    pod.rsplit_once('-')?.1.parse().ok()
}

/// Why the pod is not ready; none if it is. The text is the same while the issue is the same: it
/// has no counts of attempts and no waiting times.
pub fn readiness_issue(pod: &Pod, causes: &Causes) -> Option<PodIssue> {
    if is_ready(pod) {
        return None;
    }
    let status = pod.status.as_ref();
    let containers = status.and_then(|s| s.container_statuses.as_deref()).unwrap_or_default();
    let (message, stuck_from) = containers
        .iter()
        .find_map(container_issue)
        .map(|message| (message, None))
        .or_else(|| scheduling_issue(pod))
        .or_else(|| start_issue(pod, causes))?;
    Some(PodIssue { message: one_line(&message, MAX_ISSUE_CHARS), stuck_from })
}

/// Whether the pod's condition `Ready` is true.
pub fn is_ready(pod: &Pod) -> bool {
    pod_condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}

fn pod_condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// The message, and from when on it counts as stuck.
fn scheduling_issue(pod: &Pod) -> Option<(String, Option<Timestamp>)> {
    let scheduled = pod_condition(pod, "PodScheduled").filter(|c| c.status == "False")?;
    let why = scheduled.message.as_deref().or(scheduled.reason.as_deref()).unwrap_or("no reason");
    let since = scheduled.last_transition_time.as_ref().map(|time| time.0);
    Some((format!("unschedulable: {}", prose::scheduling(why)), grace_end(since, pod)))
}

/// Whether the scheduler has said why the pod has no machine.
pub(in crate::observe) fn is_unschedulable(pod: &Pod) -> bool {
    pod_condition(pod, "PodScheduled").is_some_and(|condition| condition.status == "False")
}

/// The end of the grace period of what began `since`, or with the pod.
fn grace_end(since: Option<Timestamp>, pod: &Pod) -> Option<Timestamp> {
    let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    since.or(created)?.checked_add(WAIT_GRACE).ok()
}

/// What a pod without containers waits for, as its Events say, once they were read.
fn start_issue(pod: &Pod, causes: &Causes) -> Option<(String, Option<Timestamp>)> {
    let warning = causes.warnings.get(pod.metadata.uid.as_deref()?)?;
    let message = match warning {
        Some(warning) => format!("it does not start: {}: {}", warning.reason, warning.message),
        None if pod_condition(pod, "PodScheduled").is_some() => {
            "it does not start, and its node's kubelet gives no reason".to_owned()
        }
        None => "it is not scheduled, and no scheduler gives a reason".to_owned(),
    };
    Some((message, grace_end(None, pod)))
}

/// Whether the pod has ended and will not run again, such as one that was evicted. Its controller
/// replaces it; the object may stay for a long time.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

fn container_issue(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref();
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        let message = waiting.message.as_deref().unwrap_or_default();
        match waiting.reason.as_deref().unwrap_or_default() {
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                return Some(pull_issue(&container.image, message));
            }
            "ContainerCreating" | "PodInitializing" | "CrashLoopBackOff" | "" => {}
            reason => return Some(format!("its container cannot start: {reason}: {message}")),
        }
    }
    let now = state.and_then(|state| state.terminated.as_ref());
    let before = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    now.or(before).map(exit_issue)
}

fn pull_issue(image: &str, message: &str) -> String {
    // The kubelet alternates between the failed pull and the wait before the next one: both give
    // the same text.
    let why = message.split_once("ErrImagePull: ").map_or(message, |(_, why)| why);
    if why.is_empty() || why.starts_with("Back-off") {
        return format!("image {image} cannot be pulled");
    }
    format!("image {image} cannot be pulled: {}", prose::pull_failure(image, why))
}

fn exit_issue(terminated: &ContainerStateTerminated) -> String {
    let reason = terminated.reason.as_deref().unwrap_or("Error");
    let code = terminated.exit_code;
    match terminated.message.as_deref().filter(|message| !message.is_empty()) {
        Some(message) => format!("its container exits: {reason}, code {code}: {message}"),
        None => format!("its container exits: {reason}, code {code}; see its log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{
        ContainerState, ContainerStateRunning, ContainerStateWaiting, PodStatus,
    };

    fn waiting(reason: &str, message: &str) -> ContainerState {
        ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some(reason.to_owned()),
                message: Some(message.to_owned()),
            }),
            ..Default::default()
        }
    }

    fn terminated(code: i32) -> ContainerState {
        ContainerState {
            terminated: Some(ContainerStateTerminated {
                exit_code: code,
                reason: Some("Error".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn pod(state: ContainerState, last: Option<ContainerState>) -> Pod {
        let container = ContainerStatus {
            image: "example.org/w:1".to_owned(),
            state: Some(state),
            last_state: last,
            ..Default::default()
        };
        let status = PodStatus { container_statuses: Some(vec![container]), ..Default::default() };
        Pod { status: Some(status), ..Default::default() }
    }

    fn message_of(pod: &Pod) -> Option<String> {
        readiness_issue(pod, &Causes::default()).map(|issue| issue.message)
    }

    #[test]
    fn a_failed_and_a_waiting_pull_give_the_same_text() {
        let failed = pod(waiting("ErrImagePull", "not found"), None);
        let message = "Back-off pulling image \"example.org/w:1\": ErrImagePull: not found";
        let waits = pod(waiting("ImagePullBackOff", message), None);
        let expected = Some("image example.org/w:1 cannot be pulled: not found".to_owned());
        assert_eq!(message_of(&failed), expected);
        assert_eq!(message_of(&waits), expected);
    }

    #[test]
    fn a_crash_loop_gives_the_same_text_in_each_phase() {
        let expected = Some("its container exits: Error, code 3; see its log".to_owned());
        let running = ContainerState {
            running: Some(ContainerStateRunning::default()),
            ..Default::default()
        };
        let back_off = waiting("CrashLoopBackOff", "back-off 40s restarting failed container");
        assert_eq!(message_of(&pod(terminated(3), None)), expected);
        assert_eq!(message_of(&pod(back_off, Some(terminated(3)))), expected);
        assert_eq!(message_of(&pod(running, Some(terminated(3)))), expected);
    }

    #[test]
    fn an_unschedulable_pod_gives_the_scheduler_message() {
        let condition = PodCondition {
            type_: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            message: Some("0/1 nodes are available: 1 Insufficient cpu.".to_owned()),
            ..Default::default()
        };
        let status = PodStatus { conditions: Some(vec![condition]), ..Default::default() };
        let pod = Pod { status: Some(status), ..Default::default() };
        let expected = "unschedulable: 0/1 nodes are available: 1 Insufficient cpu.";
        assert_eq!(message_of(&pod).as_deref(), Some(expected));
    }

    #[test]
    fn a_ready_pod_and_a_starting_one_have_no_issue() {
        assert_eq!(message_of(&pod(waiting("ContainerCreating", ""), None)), None);
        let mut restarted = pod(ContainerState::default(), Some(terminated(1)));
        let ready = PodCondition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            ..Default::default()
        };
        restarted.status.as_mut().unwrap().conditions = Some(vec![ready]);
        assert_eq!(message_of(&restarted), None);
    }
}
