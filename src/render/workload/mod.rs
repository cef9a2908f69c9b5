//! What controls the pods of a component: a Deployment or a StatefulSet, and the budget of its
//! disruptions; and the canary pod that runs before a change of pods.

mod canary;
mod deployment;
mod pod_disruption_budget;
mod stateful_set;

pub use canary::build_canary;
pub(super) use deployment::build_deployment;
pub(super) use pod_disruption_budget::build_pod_disruption_budget;
pub(super) use stateful_set::build_stateful_set;

use crate::plan::Component;
use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::PodTemplateSpec,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::Serialize;

/// A Deployment or a StatefulSet.
pub trait PodController: Metadata<Ty = ObjectMeta> + Serialize {
    /// The template of its pods.
    fn template(&self) -> Option<&PodTemplateSpec>;
    /// The template of its pods, to change it.
    fn template_mut(&mut self) -> Option<&mut PodTemplateSpec>;
}

impl PodController for Deployment {
    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.as_ref().map(|spec| &spec.template)
    }

    fn template_mut(&mut self) -> Option<&mut PodTemplateSpec> {
        self.spec.as_mut().map(|spec| &mut spec.template)
    }
}

impl PodController for StatefulSet {
    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.as_ref().map(|spec| &spec.template)
    }

    fn template_mut(&mut self) -> Option<&mut PodTemplateSpec> {
        self.spec.as_mut().map(|spec| &mut spec.template)
    }
}

/// The replicas of `component` in Kubernetes' type.
fn replica_count(component: &Component) -> i32 {
    i32::try_from(component.replicas).unwrap_or(i32::MAX)
}
