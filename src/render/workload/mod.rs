//! What controls the pods of a component: a Deployment or a StatefulSet, and the budget of its
//! disruptions.

mod deployment;
mod pod_disruption_budget;
mod stateful_set;

pub(super) use deployment::build_deployment;
pub(super) use pod_disruption_budget::build_pod_disruption_budget;
pub(super) use stateful_set::build_stateful_set;

use crate::plan::Component;

/// The replicas of `component` in Kubernetes' type.
fn replica_count(component: &Component) -> i32 {
    i32::try_from(component.replicas).unwrap_or(i32::MAX)
}
