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
mod backend;
mod blocker;
mod carry_over;
mod contract;
mod cutover;
mod dependencies;
mod expand;
mod finalize;
mod forward;
mod graph;
mod placement;
mod scale_down;
mod simulate;
mod target;
mod verify;
mod view;
mod wait;

#[cfg(test)]
mod tests;

pub use crate::api::EvolutionStep as Step;
pub use blocker::Blocker;
pub use placement::{Placement, placements};
pub use simulate::{Stage, healthy_cluster, simulate};
pub use wait::Wait;

use crate::{observe::RunningTopology, plan::Topology};
use k8s_openapi::jiff::Timestamp;
use view::ChangeView;

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
    pub blockers: Vec<Blocker>,
    /// Whether users are served by the wanted topology, whatever else is still there.
    pub serves_wanted: bool,
}

/// The next step from `running` to `wanted`.
pub fn evolve(wanted: &Topology, running: &RunningTopology, now: Timestamp) -> Evolution {
    let cannot = blocker::find_blockers(wanted, running);
    if !cannot.is_empty() {
        return keep_running(wanted, running, cannot);
    }
    let wanted = carry_over::volume_sizes(wanted, running);
    if running.components().all(|(_, found)| found.planned.is_none()) {
        return converged(&wanted);
    }
    let meanwhile = carry_over::peer_members(&wanted, running);
    let view = ChangeView::new(&meanwhile, running, now);
    let step = expand::step(&view)
        .or_else(|| cutover::step(&view))
        .or_else(|| finalize::step(&view))
        .or_else(|| contract::step(&view));
    // What only has to come up as it is to be is no change in steps.
    let step = step.filter(|next| next.apply != meanwhile || view.obsolete().next().is_some());
    let mut evolution = step.unwrap_or_else(|| converged(&wanted));
    scale_down::remove_one_by_one(&mut evolution, running, now);
    evolution
}

fn converged(wanted: &Topology) -> Evolution {
    Evolution {
        apply: wanted.clone(),
        step: None,
        waits: vec![],
        blockers: vec![],
        serves_wanted: true,
    }
}

/// Leaves what runs as it is.
fn keep_running(wanted: &Topology, running: &RunningTopology, cannot: Vec<Blocker>) -> Evolution {
    let planned = running.components().filter_map(|(_, found)| found.planned.clone());
    let apply = Topology {
        entry: running.entry().unwrap_or(wanted.entry()).clone(),
        components: planned.map(|component| (component.name.clone(), component)).collect(),
        ..wanted.clone()
    };
    Evolution { apply, step: None, waits: vec![], blockers: cannot, serves_wanted: false }
}
