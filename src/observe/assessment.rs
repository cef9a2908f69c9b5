//! Everything that the status follows from, put together once per reconcile.

use super::{
    Availability, RunningTopology, Shortfall, component_availability, edge, first_poll,
    inputs::{Acceptance, ApplyOutcome, Subject, Target},
    storage::StorageFindings,
    traffic::{self, UserTraffic},
};
use crate::{api::EdgeStatus, plan::Component};
use k8s_openapi::jiff::Timestamp;

/// What should run, what the reconcile did, what runs, and what follows from the three at one
/// moment.
pub struct Assessment<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) target: &'a Target,
    pub(super) outcome: &'a ApplyOutcome,
    pub(super) running: &'a RunningTopology,
    /// Every component of the target, and whether it is available.
    pub(super) components: Vec<(&'a Component, Availability)>,
    /// Every edge of the target, as the pods at its beginning see it.
    pub(super) edges: Vec<EdgeStatus>,
    /// The requests of end users.
    pub(super) traffic: UserTraffic,
    /// What is wrong with volumes and items.
    pub(super) storage: StorageFindings,
    pub(super) now: Timestamp,
}

impl<'a> Assessment<'a> {
    /// Assesses what runs at `now` against `target`.
    pub fn new(
        subject: Subject<'a>,
        target: &'a Target,
        outcome: &'a ApplyOutcome,
        running: &'a RunningTopology,
        now: Timestamp,
    ) -> Self {
        let mut components = vec![];
        let mut edges = vec![];
        let mut storage = StorageFindings::default();
        for component in &target.components {
            let found = running.component(&component.name);
            let changing = outcome.changing.contains(&component.name);
            let availability = component_availability(component, found, changing, now);
            let availability =
                first_poll::hold_availability(component, found, availability, subject, now);
            components.push((component, availability));
            storage.add_component(component, found, subject, now);
            for link in component.edges() {
                let status = edge::edge_status(&link, found, now);
                edges.push(first_poll::hold_edge(status, found, subject));
            }
        }
        let traffic = match &target.entry {
            Some(entry) => traffic::user_traffic(&target.components, entry, running, now),
            None => UserTraffic::default(),
        };
        Self { subject, target, outcome, running, components, edges, traffic, storage, now }
    }

    /// What must happen before the model is as specified: of the change first, then of the steps.
    pub(super) fn waits(&self) -> impl Iterator<Item = String> {
        self.target.waits.iter().chain(&self.outcome.waits).cloned()
    }

    /// What components lack that lasts until a user fixes it.
    pub(super) fn stuck_components(&self) -> Vec<String> {
        let groups = group_by_cause(self.shortfalls().filter(|(_, one)| one.is_stuck));
        let lines = groups.into_iter().map(|(names, shortfall)| match names.as_slice() {
            // The pod's name says which component it is.
            [_] if shortfall.message != shortfall.cause => shortfall.message.clone(),
            _ => cause_line(&names, shortfall),
        });
        lines.collect()
    }

    /// Every component that is not available, and what it lacks.
    pub(super) fn unavailable_components(&self) -> Vec<String> {
        self.unavailable_components_where(|_, _| true)
    }

    /// The same, only those for which `is_listed` is true.
    pub(super) fn unavailable_components_where(
        &self,
        is_listed: impl Fn(&Component, &Shortfall) -> bool,
    ) -> Vec<String> {
        let listed = self.shortfalls().filter(|(component, found)| is_listed(component, found));
        let groups = group_by_cause(listed).into_iter();
        groups.map(|(names, shortfall)| cause_line(&names, shortfall)).collect()
    }

    /// Whether the specification can run.
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.target.acceptance, Acceptance::Accepted { .. })
    }

    /// What each component lacks that is not available.
    pub(super) fn shortfalls(&self) -> impl Iterator<Item = (&Component, &Shortfall)> {
        self.components.iter().filter_map(|(component, availability)| match availability {
            Availability::Available => None,
            Availability::Unavailable(shortfall) => Some((*component, shortfall)),
        })
    }
}

/// The components that lack the same, with the shortfall of the first.
fn group_by_cause<'a>(
    shortfalls: impl Iterator<Item = (&'a Component, &'a Shortfall)>,
) -> Vec<(Vec<&'a str>, &'a Shortfall)> {
    let mut groups: Vec<(Vec<&str>, &Shortfall)> = vec![];
    for (component, shortfall) in shortfalls {
        let name = component.name.as_str();
        match groups.iter_mut().find(|(_, first)| first.cause == shortfall.cause) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], shortfall)),
        }
    }
    groups
}

/// One line for all components with the same cause.
fn cause_line(names: &[&str], shortfall: &Shortfall) -> String {
    match names {
        [name] => format!("{name}: {}", shortfall.message),
        names => format!("{}: {}", names.join(", "), shortfall.cause),
    }
}
