//! What counts while the operator has only begun to poll, after its start: the previous status. A
//! missing report says nothing then; whatever objects and other reports show counts as always.

use super::{
    Availability, RunningComponent, RunningPod, Subject,
    component::{Shortfall, report_issue, report_issue_of},
};
use crate::{
    api::{ComponentStatus, EdgeState, EdgeStatus},
    plan::Component,
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};

/// Whether the report of one of the pods is still to come.
pub(super) fn has_awaited(found: Option<&RunningComponent>) -> bool {
    found.is_some_and(|found| found.pods.iter().any(is_awaited))
}

fn is_awaited(pod: &RunningPod) -> bool {
    pod.ready && pod.report.is_awaited
}

/// `availability`, or that of the previous status if it rests on reports that are still to come.
pub(super) fn hold_availability(
    component: &Component,
    found: Option<&RunningComponent>,
    availability: Availability,
    subject: Subject<'_>,
    now: Timestamp,
) -> Availability {
    let (Availability::Unavailable(shortfall), Some(running)) = (&availability, found) else {
        return availability;
    };
    if !rests_on_awaited(running, shortfall, now) {
        return availability;
    }
    match previous_component(component, subject) {
        None => availability,
        Some(ComponentStatus { message: None, .. }) => Availability::Available,
        Some(ComponentStatus { message: Some(message), .. }) => {
            Availability::Unavailable(Shortfall::passing(message.clone()))
        }
    }
}

fn rests_on_awaited(running: &RunningComponent, shortfall: &Shortfall, now: Timestamp) -> bool {
    let mut reporting = running.pods.iter().filter(|pod| !is_awaited(pod));
    report_issue(running, now).as_ref() == Some(&shortfall.message)
        && reporting.all(|pod| report_issue_of(running, pod, now).is_none())
}

fn previous_component<'a>(
    component: &Component,
    subject: Subject<'a>,
) -> Option<&'a ComponentStatus> {
    let name = component.name.as_str();
    subject.previous?.components.iter().find(|previous| previous.name == name)
}

/// `edge`, or that of the previous status if it rests on reports that are still to come.
pub(super) fn hold_edge(
    edge: EdgeStatus,
    source: Option<&RunningComponent>,
    subject: Subject<'_>,
) -> EdgeStatus {
    if edge.state != EdgeState::Unknown || !has_awaited(source) {
        return edge;
    }
    let mut previous = subject.previous.iter().flat_map(|status| &status.edges);
    let same = previous.find(|before| before.from == edge.from && before.to == edge.to);
    same.cloned().unwrap_or(edge)
}

/// The condition of the previous status.
pub(super) fn previous_condition<'a>(subject: Subject<'a>, type_: &str) -> Option<&'a Condition> {
    subject.previous?.conditions.iter().find(|condition| condition.type_ == type_)
}
