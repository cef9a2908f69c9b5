//! Turns what the cluster holds and what the pods report into the running topology and the status.
//!
//! Owns the meaning of "works": when a component counts as available, an edge as flowing and a condition
//! as true. It never reads a clock, never talks to anything and never decides what is to change.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod component;
mod conditions;
mod edge;
mod entry;
mod evolution;
mod parse;
mod pod;
mod running;
mod snapshot;
mod status;
mod text;
mod traffic;

pub use component::{Availability, component_availability};
pub use conditions::{Reason, condition_types};
pub use evolution::ActiveEvolution;
pub use pod::has_ended;
pub use running::{
    REPORT_SAMPLE, RunningComponent, RunningPod, RunningTopology, Workload, running_topology,
    sampled_pods,
};
pub use snapshot::{PodReport, Snapshot};
pub use status::{Acceptance, Facts, Issue, IssueKind, VolumeNote, status};

use k8s_openapi::jiff::SignedDuration;

/// How long a pod's report counts. Older ones say nothing about now.
pub const REPORT_TTL: SignedDuration = SignedDuration::from_secs(30);
