//! Changes pods with care: one component after the other, each after proof that such pods run.
//!
//! Owns which workloads get their new pod template now, and which keep the live one. Its only input
//! is the rendered objects and what runs, so a restarted operator continues a rollout at any point,
//! and a fix or the way back takes effect at any point. Never reads the cluster.
//!
//! - [`order`]: services, callees first, then stores, then peers, the load last.
//! - [`change`]: one component: its wanted and its live template, and what a change would endanger.
//! - [`canary`]: what the canary pod of a workload proves.
//! - [`turns`]: which component gets its new pods now, and which wait.
//! - [`restarts`]: the pods that a change restarts, for previews.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod canary;
mod change;
mod input;
mod order;
mod restarts;
mod turns;

pub use canary::all_canaries;
pub use input::RolloutInput;
pub use order::rollout_order;
pub use restarts::{Restart, find_restarts, templates_by_name};
pub use turns::{RolloutPlan, plan_rollout};
