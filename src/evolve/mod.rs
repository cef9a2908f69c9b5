//! Computes the next safe step from the running to the wanted topology.
//!
//! Owns the order of a change: which topology is applied now, and what must happen before the next
//! step. Its only input is the wanted and the running topology. So a restarted operator continues a
//! change at any point, and an edited specification takes effect at any point. Never reads objects
//! and never does I/O.
//!
//! - [`blocker`]: why a change cannot be made in place.
//! - [`routing`]: at which owner a request ends, and which backend is the source of truth.
//! - [`interim`]: components as they are configured only during a change.
//! - [`view`] and [`verify`]: what a step reads, and what counts as proof.
//! - [`steps`]: Expand, Cutover, Finalize, Contract, and the removal of surplus peers.
//! - [`simulate`] and [`placement`]: a change computed in advance.
//!
//! Invariants, and why no write is lost: `docs/evolution.md`.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod blocker;
mod evolution;
mod interim;
mod placement;
mod routing;
mod simulate;
mod steps;
mod verify;
mod view;
mod wait;

#[cfg(test)]
mod tests;

pub use crate::api::EvolutionStep as Step;
pub use blocker::Blocker;
pub use evolution::Evolution;
pub use placement::{Placement, placements};
pub use simulate::{Stage, healthy_cluster, simulate};
pub use wait::Wait;

use crate::{observe::RunningTopology, plan::Topology};
use k8s_openapi::jiff::Timestamp;
use view::ChangeView;

/// The next step from `running` to `wanted`. Reports are judged as of `now`.
pub fn evolve(wanted: &Topology, running: &RunningTopology, now: Timestamp) -> Evolution {
    let blockers = blocker::find_blockers(wanted, running);
    if !blockers.is_empty() {
        return Evolution::blocked(wanted, running, blockers);
    }
    let final_topology =
        interim::keep_peer_history(interim::keep_volume_sizes(wanted, running), running);
    if running.planned_components().next().is_none() {
        return Evolution::converged(&final_topology);
    }
    // Surplus peers are removed after all steps: until then the steps keep them.
    let with_all_peers = interim::keep_peers(&final_topology, running);
    let view = ChangeView::new(&with_all_peers, running, now);
    // If the topology can be applied at once and nothing is obsolete, there are no steps.
    let step = steps::next_step(&view)
        .filter(|next| next.apply != with_all_peers || view.obsolete().next().is_some());
    let mut evolution = step.unwrap_or_else(|| Evolution::converged(&final_topology));
    steps::remove_peers_one_by_one(&mut evolution, running, now);
    evolution
}
