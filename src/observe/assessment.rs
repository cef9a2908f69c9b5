//! Everything that the status follows from, put together once per reconcile.

use super::{
    Availability, RunningTopology, component_availability, edge, first_poll,
    inputs::{ApplyOutcome, Subject, Target},
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
        for component in &target.components {
            let found = running.component(&component.name);
            let changing = outcome.changing.contains(&component.name);
            let availability = component_availability(component, found, changing, now);
            let availability =
                first_poll::hold_availability(component, found, availability, subject, now);
            components.push((component, availability));
            for link in component.edges() {
                let status = edge::edge_status(&link, found, now);
                edges.push(first_poll::hold_edge(status, found, subject));
            }
        }
        let traffic = match &target.entry {
            Some(entry) => traffic::user_traffic(&target.components, entry, running, now),
            None => UserTraffic::default(),
        };
        Self { subject, target, outcome, running, components, edges, traffic, now }
    }

    /// What must happen before the model is as specified: of the change first, then of the steps.
    pub(super) fn waits(&self) -> impl Iterator<Item = String> {
        self.target.waits.iter().chain(&self.outcome.waits).cloned()
    }

    /// Every component that is not available, and what it lacks.
    pub(super) fn unavailable_components(&self) -> Vec<String> {
        let lines =
            self.components.iter().filter_map(|(component, availability)| match availability {
                Availability::Available => None,
                Availability::Unavailable(shortfall) => {
                    Some(format!("{}: {}", component.name, shortfall.message))
                }
            });
        lines.collect()
    }
}
