//! Which changes of volumes cannot be made. A volume that does not exist yet may have any size and
//! class; one that does grows only.

use super::RunningTopology;
use crate::{
    api::Quantity,
    plan::{Behavior, Component, Topology, Volume},
};
use maquette_contract::ComponentName;

/// The volumes of `wanted` that would shrink or change their StorageClass, each with the fix.
/// `running` is the same shape, as it was specified before.
pub fn refused_volume_changes(wanted: &Topology, running: &RunningTopology) -> Vec<String> {
    refused_changes(wanted, running, |name| running.component(name)?.planned.as_ref())
}

/// As [`refused_volume_changes`], where `specified` is the specification before: a volume that runs
/// may be larger than that, if another shape left it.
pub fn refused_volume_specs(
    wanted: &Topology,
    specified: &Topology,
    running: &RunningTopology,
) -> Vec<String> {
    refused_changes(wanted, running, |name| specified.component(name))
}

fn refused_changes<'a>(
    wanted: &Topology,
    running: &RunningTopology,
    component_before: impl Fn(&ComponentName) -> Option<&'a Component>,
) -> Vec<String> {
    let refused = wanted.components().filter_map(|component| {
        // What has no volume yet may change freely.
        _ = running.component(&component.name).filter(|found| !found.claims_unbound)?;
        let before = volume_of(component_before(&component.name)?)?;
        let problem = refused_change(before, volume_of(component)?)?;
        Some(format!("the volume of {}: {problem}", component.name))
    });
    refused.collect()
}

fn volume_of(component: &Component) -> Option<&Volume> {
    match &component.behavior {
        Behavior::Store(store) => Some(&store.storage),
        Behavior::Peer(peer) => Some(&peer.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}

fn refused_change(before: &Volume, wanted: &Volume) -> Option<String> {
    let (Ok(old), Ok(new)) = (before.size.parse::<Quantity>(), wanted.size.parse::<Quantity>())
    else {
        return None;
    };
    if new < old {
        return Some(format!(
            "a volume cannot shrink from {} to {}: keep its size or increase it",
            before.size, wanted.size
        ));
    }
    match (&before.storage_class, &wanted.storage_class) {
        (before, wanted) if before == wanted => None,
        (Some(class), _) => Some(format!(
            "the StorageClass of a volume that exists cannot change: restore storageClassName \
             {class}"
        )),
        (None, _) => Some(
            "the StorageClass of a volume that exists cannot change: remove storageClassName"
                .to_owned(),
        ),
    }
}
