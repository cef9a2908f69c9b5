//! The result of [`evolve`](super::evolve).

use super::{Step, blocker::Blocker, wait::Wait};
use crate::{observe::RunningTopology, plan::Topology};

/// What to apply now, on the way to the wanted topology.
#[derive(Clone, Debug, PartialEq)]
pub struct Evolution {
    /// The topology to apply now. Components that are not in it may be deleted.
    pub apply: Topology,
    /// The step of the change; none when `apply` is the wanted topology and nothing is left to do.
    pub step: Option<Step>,
    /// What must happen before the next step.
    pub waits: Vec<Wait>,
    /// Why the change cannot be made in place; if there are any, `apply` is the running topology.
    pub blockers: Vec<Blocker>,
    /// Whether the wanted topology serves requests, although other components may still run.
    pub serves_wanted: bool,
}

impl Evolution {
    /// Nothing is left to do but to apply `wanted`.
    pub(super) fn converged(wanted: &Topology) -> Self {
        Self {
            apply: wanted.clone(),
            step: None,
            waits: vec![],
            blockers: vec![],
            serves_wanted: true,
        }
    }

    /// The running topology is unchanged.
    pub(super) fn blocked(
        wanted: &Topology,
        running: &RunningTopology,
        blockers: Vec<Blocker>,
    ) -> Self {
        let planned = running.planned_components().cloned();
        let apply = Topology {
            entry: running.entry().unwrap_or(wanted.entry()).clone(),
            components: planned.map(|component| (component.name.clone(), component)).collect(),
            ..wanted.clone()
        };
        Self { apply, step: None, waits: vec![], blockers, serves_wanted: false }
    }
}
