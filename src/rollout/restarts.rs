//! The pods that a change restarts, in the order of the rollout, for previews.

use super::order::rollout_order;
use crate::{
    plan::Topology,
    render::{ObjectsByKind, PodController, first_difference},
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use maquette_contract::ComponentName;
use std::collections::BTreeMap;

/// The pods of a component that restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The component whose template changes.
    pub component: ComponentName,
    /// How many of its pods restart.
    pub pods: u32,
}

/// The pod template of each Deployment and StatefulSet, by name.
pub fn templates_by_name(objects: &ObjectsByKind) -> BTreeMap<String, PodTemplateSpec> {
    let deployments = objects.deployments.iter().filter_map(named_template);
    deployments.chain(objects.stateful_sets.iter().filter_map(named_template)).collect()
}

/// The name and the pod template of a workload.
fn named_template(workload: &impl PodController) -> Option<(String, PodTemplateSpec)> {
    Some((workload.metadata().name.clone()?, workload.template()?.clone()))
}

/// The pods that restart when `running` with the templates `before` becomes `wanted` with the
/// templates `after`, in the order of the rollout. Pods that are removed or added do not count.
pub fn find_restarts(
    running: &Topology,
    wanted: &Topology,
    before: &BTreeMap<String, PodTemplateSpec>,
    after: &BTreeMap<String, PodTemplateSpec>,
) -> Vec<Restart> {
    let order = rollout_order(wanted).into_iter();
    order
        .filter_map(|component| {
            let name = wanted.identity().name.object_name(&component.name);
            let (old, new) = (before.get(&name)?, after.get(&name)?);
            let pods = running.component(&component.name)?.replicas.min(component.replicas);
            (pods > 0 && differ(old, new))
                .then(|| Restart { component: component.name.clone(), pods })
        })
        .collect()
}

/// Whether two rendered templates differ: each may lack fields of the other.
fn differ(old: &PodTemplateSpec, new: &PodTemplateSpec) -> bool {
    first_difference(new, old).is_some() || first_difference(old, new).is_some()
}
