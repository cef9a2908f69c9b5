//! Whether a component is available: all its pods are, and run what is specified.

use super::{RunningComponent, RunningPod, text::one_line};
use crate::{api::ComponentStatus, plan::Component};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use maquette_contract::Revision;

/// Longest error of a failed report that is shown, in characters.
const MAX_FAILURE_CHARS: usize = 200;

/// Whether a component is available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// All pods are available and run the specified template and configuration.
    Available,
    /// Pods are missing, not ready, or do not run what is specified.
    Unavailable(Shortfall),
}

/// What a component lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// In one line; it names the pod, if it is about one.
    pub message: String,
    /// The message without the pod: components with the same cause share a line.
    pub cause: String,
    /// Whether it lasts until a user fixes it, such as an image that cannot be pulled.
    pub is_stuck: bool,
}

impl Shortfall {
    /// One that ends by itself.
    pub fn passing(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { cause: message.clone(), message, is_stuck: false }
    }

    /// One that lasts until a user fixes it.
    pub fn stuck(message: impl Into<String>) -> Self {
        Self { is_stuck: true, ..Self::passing(message) }
    }
}

impl Availability {
    pub(super) fn is_available(&self) -> bool {
        *self == Self::Available
    }
}

/// Whether all pods of `component` are available and run what is specified, as objects and reports
/// show at `now`. `changing`: this reconcile wrote its workload or configuration.
pub fn component_availability(
    component: &Component,
    running: Option<&RunningComponent>,
    changing: bool,
    now: Timestamp,
) -> Availability {
    match first_shortfall(component, running, changing, now) {
        None => Availability::Available,
        Some(shortfall) => Availability::Unavailable(shortfall),
    }
}

fn first_shortfall(
    component: &Component,
    running: Option<&RunningComponent>,
    changing: bool,
    now: Timestamp,
) -> Option<Shortfall> {
    let Some((running, workload)) = running.and_then(|r| Some((r, r.workload.as_ref()?))) else {
        return Some(Shortfall::passing(missing_pods(component, 0, 0)));
    };
    if let Some(issue) = &workload.issue {
        return Some(Shortfall::stuck(issue.clone()));
    }
    let ready = workload.updated.min(workload.available);
    let has_all = workload.desired == component.replicas
        && workload.total == component.replicas
        && ready == component.replicas
        && running.pods.len() == component.replicas as usize;
    if !has_all || running.pods.iter().any(|pod| !pod.ready) {
        return Some(pods_issue(running, now).unwrap_or_else(|| {
            Shortfall::passing(missing_pods(component, ready, workload.total))
        }));
    }
    if changing || !workload.is_observed {
        return Some(Shortfall::passing("its change has not reached the pods yet"));
    }
    report_issue(running, now).map(Shortfall::passing)
}

fn missing_pods(component: &Component, ready: u32, total: u32) -> String {
    let replicas = component.replicas;
    match total.saturating_sub(replicas) {
        0 if ready < replicas => format!("{ready} of {replicas} pods are ready"),
        0 => "pods are being replaced".to_owned(),
        more => format!("{more} more pods than specified are not deleted yet"),
    }
}

/// Why pods are missing or not ready: first what comes before a pod runs, then what does not end by
/// itself.
fn pods_issue(running: &RunningComponent, now: Timestamp) -> Option<Shortfall> {
    if let Some(issue) = &running.claim_issue {
        return Some(Shortfall::stuck(issue.clone()));
    }
    if let Some(overdue) = running.terminating.iter().find(|pod| pod.is_overdue(now)) {
        return Some(Shortfall::stuck(overdue.overdue_message()));
    }
    let issues: Vec<_> =
        running.pods.iter().filter_map(|pod| Some((pod, pod.issue.as_ref()?))).collect();
    let stuck = issues.iter().find(|(_, issue)| issue.is_stuck(now));
    let (pod, issue) = stuck.or(issues.first())?;
    Some(Shortfall {
        message: format!("pod {}: {}", pod.name, issue.message),
        cause: issue.message.clone(),
        is_stuck: issue.is_stuck(now),
    })
}

/// A missing report, or one that shows an older configuration.
pub(super) fn report_issue(running: &RunningComponent, now: Timestamp) -> Option<String> {
    running.revision.as_ref()?;
    let mut pods = running.pods.iter();
    pods.clone()
        .find_map(|pod| missing_report(pod, now))
        .or_else(|| pods.find_map(|pod| report_issue_of(running, pod, now)))
}

/// The same, of one pod.
pub(super) fn report_issue_of(
    running: &RunningComponent,
    pod: &RunningPod,
    now: Timestamp,
) -> Option<String> {
    let wanted = running.revision.as_ref()?;
    missing_report(pod, now).or_else(|| stale_config(pod, wanted))
}

/// Why no report of the pod counts; none if one does.
pub(super) fn missing_report(pod: &RunningPod, now: Timestamp) -> Option<String> {
    pod.report.standing_at(now).is_none().then(|| missing_report_reason(pod, pod.report.ttl()))
}

/// Why there is no report of a pod that is at most `ttl` old.
pub(crate) fn missing_report_reason(pod: &RunningPod, ttl: SignedDuration) -> String {
    let name = &pod.name;
    match (&pod.report.failure, &pod.report.latest) {
        (Some(failure), _) => {
            let failure = one_line(failure, MAX_FAILURE_CHARS);
            format!("pod {name} does not report: {failure}")
        }
        (None, Some(_)) => {
            format!("pod {name} did not report in the last {} s", ttl.as_secs())
        }
        // Also after a write of its configuration: reports requested before do not count.
        (None, None) => pending_report(name),
    }
}

/// No fault: the pod is asked every 2 s.
fn pending_report(pod: &str) -> String {
    format!("the next report of pod {pod} is pending")
}

fn stale_config(pod: &RunningPod, wanted: &Revision) -> Option<String> {
    let name = &pod.name;
    match &pod.report.latest {
        None => Some(pending_report(name)),
        Some((_, report)) if report.revision != *wanted => {
            Some(format!("pod {name} still runs an older configuration"))
        }
        Some(_) => None,
    }
}

/// The component's line in the status.
pub(super) fn component_status(
    component: &Component,
    running: Option<&RunningComponent>,
    availability: &Availability,
) -> ComponentStatus {
    let workload = running.and_then(|running| running.workload.as_ref());
    let ready = workload.map_or(0, |workload| workload.updated.min(workload.available));
    let desired = i32::try_from(component.replicas).unwrap_or(i32::MAX);
    ComponentStatus {
        name: component.name.to_string(),
        role: component.role().into(),
        ready: i32::try_from(ready).unwrap_or(i32::MAX),
        desired,
        message: match availability {
            Availability::Available => None,
            Availability::Unavailable(shortfall) => Some(shortfall.message.clone()),
        },
    }
}
