//! What a rollout follows from.

use crate::{
    observe::{RunningTopology, Snapshot},
    plan::Topology,
};
use k8s_openapi::jiff::Timestamp;

/// What a rollout follows from.
#[derive(Clone, Copy, Debug)]
pub struct RolloutInput<'a> {
    /// The topology to apply now.
    pub topology: &'a Topology,
    /// The components and pods that run.
    pub running: &'a RunningTopology,
    /// The objects that it was read from.
    pub snapshot: &'a Snapshot,
    /// Whether a change of shape is in progress: pods change after it.
    pub is_evolving: bool,
    /// When reports are judged.
    pub now: Timestamp,
}
