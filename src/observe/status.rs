//! The whole status, put together from what is known.

use super::{
    ActiveEvolution, RunningTopology, component, component_availability,
    conditions::{self, Assessment},
    edge, evolution, traffic,
};
use crate::{
    api::{ArchitectureStatus, Shape, VolumeStatus},
    observe::Availability,
    plan::{Component, Identity},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

/// Whether the specification is one that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is.
    Accepted {
        /// What is to be said of it nevertheless, such as members that are not in use.
        note: String,
    },
    /// It is not; what runs stays as it is.
    Refused {
        /// Every problem and its mend.
        problems: String,
    },
    /// This version cannot read it; what runs stays as it is.
    Unreadable {
        /// The field, and what is wrong with it.
        problem: String,
    },
}

/// Something that keeps the operator from making what is wanted true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What kind of trouble.
    pub kind: IssueKind,
    /// The object, what is wrong and the mend, in one line.
    pub message: String,
}

/// What kind of trouble; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssueKind {
    /// Something of an earlier Architecture of the same name has not gone yet.
    Removal,
    /// The API server would not take an object.
    Failed,
    /// An object of a name that is needed is somebody else's.
    Conflict,
    /// A part is there that this version cannot read.
    Unreadable,
}

/// That a volume is not as it is wanted. It is used as it is, and nothing waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeNote {
    /// It is being made larger.
    Growing(String),
    /// It stays as it is; why and the mend, in one line.
    Unchanged(String),
}

/// What the operator knows besides what runs.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `metadata.generation` of the specification.
    pub generation: i64,
    /// Which Architecture.
    pub identity: &'a Identity,
    /// Whether the specification can run.
    pub acceptance: Acceptance,
    /// The shape that serves, if that is known.
    pub shape: Option<Shape>,
    /// The components that should run now.
    pub components: Vec<Component>,
    /// The component behind the entry.
    pub entry: Option<ComponentName>,
    /// Components whose workload or configuration was written a moment ago.
    pub changing: BTreeSet<ComponentName>,
    /// The change that is under way, if one is.
    pub evolution: Option<ActiveEvolution>,
    /// What is waited for before the next step of a change.
    pub waits: Vec<String>,
    /// Why what is wanted cannot be reached from what runs, each with its mend.
    pub blockers: Vec<String>,
    /// What keeps the operator from its work.
    pub issues: Vec<Issue>,
    /// Volumes that no component uses any more.
    pub volumes: Vec<VolumeStatus>,
    /// Volumes that are not as they are wanted.
    pub volume_notes: Vec<VolumeNote>,
}

/// The status at `now`. `previous` gives the times of transitions that did not happen again.
pub fn status(
    facts: &Facts<'_>,
    running: &RunningTopology,
    previous: Option<&ArchitectureStatus>,
    now: Timestamp,
) -> ArchitectureStatus {
    let view = build_view(facts, running, now);
    let ready = view.components.iter().filter(|(_, a)| *a == Availability::Available).count();
    let components = view.components.iter().map(|(planned, availability)| {
        component::component_status(planned, running.component(&planned.name), availability)
    });
    let conditions = conditions::all_conditions(&view, previous);
    ArchitectureStatus {
        observed_generation: Some(facts.generation),
        shape: facts.shape,
        evolution: evolution::evolution_status(facts, &conditions, previous, now),
        entry: Some(format!(
            "http://{}",
            facts.identity.service_host(facts.identity.name.as_str())
        )),
        components_ready: Some(format!("{ready}/{}", view.components.len())),
        conditions,
        components: components.collect(),
        edges: view.edges.clone(),
        volumes: facts.volumes.clone(),
    }
}

fn build_view<'a>(
    facts: &'a Facts<'a>,
    running: &'a RunningTopology,
    now: Timestamp,
) -> Assessment<'a> {
    let availability = |component: &'a Component| {
        let changing = facts.changing.contains(&component.name);
        (
            component,
            component_availability(component, running.component(&component.name), changing, now),
        )
    };
    let edge = |component: &Component| {
        let source = running.component(&component.name);
        let state = |edge| edge::edge_status(&edge, component.role(), source, now);
        component.edges().into_iter().map(state).collect::<Vec<_>>()
    };
    let users = facts
        .entry
        .as_ref()
        .map(|entry| traffic::user_traffic(&facts.components, entry, running, now));
    Assessment {
        facts,
        running,
        components: facts.components.iter().map(availability).collect(),
        edges: facts.components.iter().flat_map(edge).collect(),
        traffic: users.unwrap_or_default(),
        now,
    }
}
