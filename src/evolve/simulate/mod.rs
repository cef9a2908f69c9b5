//! A change computed in advance: [`evolve`] is repeated on a cluster in which everything that is
//! applied works at once, and every copy completes.
//!
//! Owns the stages of a preview. Never decides what a stage applies: [`evolve`] does.

mod healthy;

pub use healthy::healthy_cluster;

use super::{Step, blocker, evolution::Evolution, evolve, wait::Wait};
use crate::{observe::RunningTopology, plan::Topology};
use healthy::{FAKE_TIME, healthy_topology};
use std::collections::BTreeMap;

/// More stages than any change has: at most a few for each component and each peer.
const MAX_STAGES: usize = 1000;

/// A topology that a change applies at once. A step has one or more stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The step of the stage; none where everything is applied at once.
    pub step: Option<Step>,
    /// The topology to apply.
    pub apply: Topology,
    /// What must happen before the next stage.
    pub waits: Vec<Wait>,
    /// Why the wanted topology cannot be reached, and how to fix it. If there are any, this is the
    /// only stage, and it changes nothing.
    pub blockers: Vec<String>,
}

impl Stage {
    fn from_evolution(evolution: Evolution) -> Self {
        let Evolution { apply, step, waits, blockers, serves_wanted: _ } = evolution;
        Self { step, apply, waits, blockers: blockers.iter().map(ToString::to_string).collect() }
    }
}

/// The stages from `running` to `wanted`; none if there is nothing to do. Every running component
/// counts as working, whatever its pods report.
pub fn simulate(wanted: &Topology, running: &RunningTopology) -> Vec<Stage> {
    let blockers = blocker::find_blockers(wanted, running);
    if !blockers.is_empty() {
        return vec![Stage::from_evolution(Evolution::blocked(wanted, running, blockers))];
    }
    let mut components: BTreeMap<_, _> = running
        .planned_components()
        .map(|component| (component.name.clone(), component.clone()))
        .collect();
    let mut entry = running.entry().cloned();
    let mut stages: Vec<Stage> = vec![];
    for _ in 0..MAX_STAGES {
        let healthy = healthy_topology(&wanted.identity, entry.clone(), &components);
        let stage = Stage::from_evolution(evolve(wanted, &healthy, FAKE_TIME));
        if entry.as_ref() == Some(stage.apply.entry()) && components == stage.apply.components {
            return stages;
        }
        entry = Some(stage.apply.entry().clone());
        components.clone_from(&stage.apply.components);
        stages.push(stage);
    }
    endless_change(stages)
}

/// Unreachable: the property tests of `evolve` check that every change ends.
fn endless_change(mut stages: Vec<Stage>) -> Vec<Stage> {
    let blocker = format!("the change does not end within {MAX_STAGES} stages: please report this");
    stages.truncate(1);
    stages.iter_mut().for_each(|stage| stage.blockers = vec![blocker.clone()]);
    stages
}
