//! Leads what runs to what is wanted, one safe step at a time.
//!
//! Owns the order of a change: what is applied now and what that waits for. Everything is computed
//! afresh from the wanted and the running topology, so that a crash at any point resumes and a
//! change of mind retargets. It never looks at objects and never talks to anything.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod peers;
mod rehearsal;
mod replace;
mod step;
mod wait;

pub use rehearsal::{Stage, rehearse, works};
pub use step::Step;
pub use wait::Wait;

use crate::{observe::Running, plan::Topology};
use k8s_openapi::jiff::Timestamp;

/// What to apply now, on the way to what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Evolution {
    /// The topology to apply now. Whatever is not in it may go.
    pub apply: Topology,
    /// The step that `apply` is a part of; none when it is what is wanted.
    pub step: Option<Step>,
    /// What must happen before the next step; empty when `apply` is what is wanted.
    pub waits: Vec<Wait>,
    /// Why what is wanted cannot be reached, each with its mend; then nothing changes.
    pub cannot: Vec<String>,
    /// Whether users are served by the wanted topology, whatever else is still there.
    pub serves_wanted: bool,
}

/// The next step from `running` to `wanted`.
pub fn evolve(wanted: &Topology, running: &Running, now: Timestamp) -> Evolution {
    let mut evolution = replace::step(wanted, running, now);
    peers::leave_one_by_one(&mut evolution, running, now);
    evolution
}
