//! What a change in progress explains: which components and edges do not work because the change
//! has just begun, and which served before and broke.
//!
//! A component serves if a request can reach it from the running entry. No change makes a component
//! reachable before it is verified: what serves and does not work is a fault, unless its own pods or
//! settings are being changed.

use super::{Assessment, condition_types};
use crate::{
    api::{EdgeState, EdgeStatus, EvolutionStep},
    observe::{RunningComponent, RunningPod, RunningTopology, Shortfall, text::join_items},
    plan::Component,
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

/// The reason of the condition `Ready` of a healthy change, as the previous status has it.
const EVOLVING: &str = super::Reason::Evolving.as_str();

/// A change in progress, as far as the status needs it.
pub(super) struct ActiveChange<'a> {
    assessment: &'a Assessment<'a>,
    serving: BTreeSet<ComponentName>,
    /// Whether the change was already in progress before this reconcile, or is one of the topology.
    continues: bool,
}

impl<'a> ActiveChange<'a> {
    /// The change in progress; none if nothing is being changed. A change that began when the model
    /// was not ready explains nothing, unless it is one of the topology.
    pub(super) fn in_progress(assessment: &'a Assessment<'a>) -> Option<Self> {
        let is_evolving =
            assessment.target.evolution.is_some() || assessment.waits().next().is_some();
        let ready = previous_ready(assessment);
        let was_evolving = ready.is_some_and(|ready| ready.reason == EVOLVING);
        let was_ready = ready.is_some_and(|ready| ready.status == "True");
        let change = Self {
            assessment,
            serving: serving_components(assessment.running),
            continues: is_evolving || was_evolving,
        };
        let has_begun = || assessment.shortfalls().any(|(one, _)| change.is_being_changed(one));
        let goes_on = || assessment.shortfalls().any(|(one, _)| change.is_explained(one));
        (is_evolving || was_ready && has_begun() || was_evolving && goes_on()).then_some(change)
    }

    /// Whether the change does not explain what `component` lacks.
    pub(super) fn is_fault(&self, component: &Component, shortfall: &Shortfall) -> bool {
        let serves = self.serving.contains(&component.name);
        shortfall.is_stuck || serves && !self.is_explained(component)
    }

    /// Whether a component that serves is stuck and has fewer ready pods than specified.
    pub(super) fn is_serving_stuck(&self) -> bool {
        let mut stuck = self.assessment.shortfalls().filter(|(_, shortfall)| shortfall.is_stuck);
        stuck.any(|(component, _)| {
            self.serving.contains(&component.name) && !self.has_all_ready(component)
        })
    }

    fn has_all_ready(&self, component: &Component) -> bool {
        let pods = self.assessment.running.component(&component.name).map(|found| &found.pods);
        let ready = pods.into_iter().flatten().filter(|pod| pod.ready).count();
        ready >= component.replicas as usize
    }

    /// Whether an edge that worked before fails, although the change does not replace one of its
    /// ends.
    pub(super) fn is_edge_fault(&self, edge: &EdgeStatus) -> bool {
        let serves = self.serving.iter().any(|name| name.as_str() == edge.from);
        let is_explained = |end: &str| {
            self.assessment.shortfalls().any(|(component, _)| {
                component.name.as_str() == end && self.is_explained(component)
            })
        };
        let is_new = previous_ready(self.assessment).is_some_and(|ready| ready.reason == EVOLVING)
            && !worked_before(self.assessment, edge);
        edge.state == EdgeState::Failing
            && serves
            && !is_new
            && !is_explained(&edge.from)
            && !is_explained(&edge.to)
    }

    /// What the change waits for, or what it does.
    pub(super) fn message(&self) -> String {
        let waits: Vec<_> = self.assessment.waits().collect();
        if !waits.is_empty() {
            return join_items(waits);
        }
        let unavailable = self.assessment.unavailable_components();
        if !unavailable.is_empty() {
            return format!("waiting for {}", join_items(unavailable));
        }
        match self.assessment.target.evolution.map(|evolution| evolution.step) {
            Some(EvolutionStep::Contract) => {
                "components that are no longer specified are deleted".to_owned()
            }
            _ => "the change is being applied".to_owned(),
        }
    }

    fn is_explained(&self, component: &Component) -> bool {
        self.is_being_changed(component) || self.continues && self.is_following(component)
    }

    /// Whether the component's pods are being replaced or get new settings.
    fn is_being_changed(&self, component: &Component) -> bool {
        let running = self.assessment.running.component(&component.name);
        let workload = running.and_then(|running| running.workload.as_ref());
        self.assessment.outcome.changing.contains(&component.name)
            || workload.is_some_and(|workload| {
                !workload.is_observed
                    || workload.is_rolling
                    || workload.desired != component.replicas
            })
    }

    /// Whether the component still follows a change of its pods or settings: none of its pods that
    /// served before is missing.
    fn is_following(&self, component: &Component) -> bool {
        let running = self.assessment.running.component(&component.name);
        let now = self.assessment.now;
        running.is_none_or(|running| {
            !has_settled(component, running)
                || running.pods.iter().all(|pod| pod.ready || !has_served(pod))
                    && running.pods.iter().all(|pod| !pod.ready || awaits_report(pod, now))
        })
    }
}

/// Whether the component has as many pods as specified, all of the newest template.
fn has_settled(component: &Component, running: &RunningComponent) -> bool {
    running.workload.as_ref().is_some_and(|workload| {
        workload.total == component.replicas && workload.updated == component.replicas
    })
}

/// Whether the pod worked at some time: one that starts has no report yet.
fn has_served(pod: &RunningPod) -> bool {
    pod.report.latest.is_some()
}

/// Whether a ready pod's report counts, or is the first since its settings were written.
fn awaits_report(pod: &RunningPod, now: Timestamp) -> bool {
    pod.report.standing_at(now).is_some()
        || pod.report.latest.is_none() && pod.report.failure.is_none()
}

fn previous_ready<'a>(assessment: &'a Assessment<'_>) -> Option<&'a Condition> {
    let previous = assessment.subject.previous?;
    previous.conditions.iter().find(|condition| condition.type_ == condition_types::READY)
}

fn worked_before(assessment: &Assessment<'_>, edge: &EdgeStatus) -> bool {
    let mut edges = assessment.subject.previous.iter().flat_map(|status| &status.edges);
    edges.any(|old| {
        (&old.from, &old.to) == (&edge.from, &edge.to)
            && matches!(old.state, EdgeState::Flowing | EdgeState::Reachable)
    })
}

/// The components that a request can reach from the running entry.
fn serving_components(running: &RunningTopology) -> BTreeSet<ComponentName> {
    let mut serving = BTreeSet::new();
    let mut pending: Vec<ComponentName> = running.entry().cloned().into_iter().collect();
    while let Some(name) = pending.pop() {
        let planned = running.component(&name).and_then(|component| component.planned.as_ref());
        if serving.insert(name) {
            pending.extend(planned.into_iter().flat_map(Component::edges).map(|edge| edge.to));
        }
    }
    serving
}
