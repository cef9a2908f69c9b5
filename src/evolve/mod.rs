//! Leads what runs to what is wanted, one safe step at a time.
//!
//! Owns the order of a change: what is applied now and what that waits for. Everything is computed
//! afresh from the wanted and the running topology, so that a crash at any point resumes and a
//! change of mind retargets. It never looks at objects and never talks to anything.
//!
//! The steps, one file each: [`raise`], [`moving`], [`settle`], [`retire`]. What holds at every
//! point, and why nothing is lost, is in `docs/evolution.md`.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod accept;
mod contract;
mod cutover;
mod expand;
mod finalize;
mod forward;
mod goal;
mod graph;
mod home;
mod keep;
mod obstacle;
mod peers;
mod proof;
mod rehearsal;
mod view;
mod wait;
mod whereabouts;
mod wiring;

#[cfg(test)]
mod tests;

pub use crate::api::EvolutionStep as Step;
pub use obstacle::Obstacle;
pub use rehearsal::{Stage, rehearse, works};
pub use wait::Wait;
pub use whereabouts::{Whereabouts, whereabouts};

use crate::{observe::Running, plan::Topology};
use k8s_openapi::jiff::Timestamp;
use view::View;

/// What to apply now, on the way to what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Evolution {
    /// The topology to apply now. Whatever is not in it may go.
    pub apply: Topology,
    /// The step of the change; none when `apply` is what is wanted and nothing else is left.
    pub step: Option<Step>,
    /// What must happen before the next step.
    pub waits: Vec<Wait>,
    /// What keeps the change from being made at all; then `apply` is what runs.
    pub cannot: Vec<Obstacle>,
    /// Whether users are served by the wanted topology, whatever else is still there.
    pub serves_wanted: bool,
}

/// The next step from `running` to `wanted`.
pub fn evolve(wanted: &Topology, running: &Running, now: Timestamp) -> Evolution {
    let cannot = obstacle::all(wanted, running);
    if !cannot.is_empty() {
        return stay(wanted, running, cannot);
    }
    let wanted = keep::volumes(wanted, running);
    if running.components().all(|(_, found)| found.planned.is_none()) {
        return done(&wanted);
    }
    let meanwhile = keep::peers(&wanted, running);
    let view = View::new(&meanwhile, running, now);
    let step = expand::step(&view)
        .or_else(|| cutover::step(&view))
        .or_else(|| finalize::step(&view))
        .or_else(|| contract::step(&view));
    // What only has to come up as it is to be is no change in steps.
    let step = step.filter(|next| next.apply != meanwhile || view.leaving().next().is_some());
    let mut evolution = step.unwrap_or_else(|| done(&wanted));
    peers::leave_one_by_one(&mut evolution, running, now);
    evolution
}

fn done(wanted: &Topology) -> Evolution {
    Evolution {
        apply: wanted.clone(),
        step: None,
        waits: vec![],
        cannot: vec![],
        serves_wanted: true,
    }
}

/// Leaves what runs as it is.
fn stay(wanted: &Topology, running: &Running, cannot: Vec<Obstacle>) -> Evolution {
    let planned = running.components().filter_map(|(_, found)| found.planned.clone());
    let apply = Topology {
        entry: running.entry().unwrap_or(wanted.entry()).clone(),
        components: planned.map(|component| (component.name.clone(), component)).collect(),
        ..wanted.clone()
    };
    Evolution { apply, step: None, waits: vec![], cannot, serves_wanted: false }
}
