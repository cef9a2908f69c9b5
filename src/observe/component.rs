//! Whether a component is available: all of its pods are, and run what is wanted.

use super::{RunningComponent, RunningPod, sampled_pods, text::one_line};
use crate::{api::ComponentStatus, plan::Component};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::Revision;

/// Whether a component has all that it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// All pods are available and run the wanted template and configuration.
    Available,
    /// Something is missing; one line that says what.
    Unavailable(String),
}

/// Whether all pods of `component` are available and run what is wanted, as far as objects and reports
/// tell. `changing`: its workload or configuration was written a moment ago.
pub fn component_availability(
    component: &Component,
    running: Option<&RunningComponent>,
    changing: bool,
    now: Timestamp,
) -> Availability {
    let missing = |text: String| Availability::Unavailable(text);
    let Some((running, workload)) = running.and_then(|r| Some((r, r.workload.as_ref()?))) else {
        return missing(shortfall(component, 0, 0));
    };
    if let Some(trouble) = &workload.issue {
        return missing(trouble.clone());
    }
    let ready = workload.updated.min(workload.available);
    let settled = workload.desired == component.replicas
        && workload.total == component.replicas
        && ready == component.replicas
        && running.pods.len() == component.replicas as usize;
    if !settled || running.pods.iter().any(|pod| !pod.ready) {
        let trouble = running.pods.iter().find_map(pod_issue);
        return missing(trouble.unwrap_or_else(|| shortfall(component, ready, workload.total)));
    }
    if changing || !workload.is_observed {
        return missing("its change has not reached the pods yet".to_owned());
    }
    report_issue(component, running, now).map_or(Availability::Available, Availability::Unavailable)
}

fn shortfall(component: &Component, ready: u32, total: u32) -> String {
    let replicas = component.replicas;
    match total.saturating_sub(replicas) {
        0 if ready < replicas => format!("{ready} of {replicas} pods are ready"),
        0 => "pods are being replaced".to_owned(),
        more => format!("{more} more pods than wanted have not gone yet"),
    }
}

fn pod_issue(pod: &RunningPod) -> Option<String> {
    pod.issue.as_ref().map(|trouble| format!("pod {}: {trouble}", pod.name))
}

/// What the pods' reports say against the component, or that there are none.
fn report_issue(
    component: &Component,
    running: &RunningComponent,
    now: Timestamp,
) -> Option<String> {
    let wanted = running.revision.as_ref()?;
    let silent = sampled_pods(component.role(), &running.pods)
        .iter()
        .find_map(|pod| missing_report(pod, now));
    silent.or_else(|| running.pods.iter().find_map(|pod| stale_config(pod, wanted)))
}

/// Why nobody knows how the pod does, if nobody does.
pub(super) fn missing_report(pod: &RunningPod, now: Timestamp) -> Option<String> {
    if pod.report.fresh_at(now).is_some() {
        return None;
    }
    let why = pod.report.failure.as_deref().map(|why| one_line(why, 200));
    let name = &pod.name;
    Some(match (why, &pod.report.latest) {
        (Some(why), _) => format!("pod {name} does not report: {why}"),
        (None, Some(_)) => format!("pod {name} has not reported of late"),
        (None, None) => format!("pod {name} has not reported yet"),
    })
}

fn stale_config(pod: &RunningPod, wanted: &Revision) -> Option<String> {
    let name = &pod.name;
    match &pod.report.latest {
        None => Some(format!("pod {name} has not reported yet")),
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
            Availability::Unavailable(message) => Some(message.clone()),
        },
    }
}
