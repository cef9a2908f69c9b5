//! Which changes of volumes cannot be made, and which volumes stay as they are. A volume that does not exist yet may have any size and
//! class; one that does grows only.

use super::RunningTopology;
use crate::{
    api::Quantity,
    observe::VolumeNote,
    plan::{Behavior, Component, Topology, Volume},
};
use maquette_contract::ComponentName;

/// The volumes of `wanted` that exist and would change their StorageClass, each with the fix.
/// `running` is the same shape, as it was specified before.
pub fn refused_volume_changes(wanted: &Topology, running: &RunningTopology) -> Vec<String> {
    let before = |name: &ComponentName| running.component(name)?.planned.as_ref();
    changes(wanted, running, before, refused_class).collect()
}

/// The volumes that exist and are larger than `wanted` specifies: they stay as they are. Another shape
/// may have left them, so this is no reason to refuse a specification.
pub fn kept_volume_sizes(wanted: &Topology, running: &RunningTopology) -> Vec<VolumeNote> {
    let before = |name: &ComponentName| running.component(name)?.planned.as_ref();
    let kept = |before: &Volume, wanted: &Volume| {
        is_smaller(before, wanted).then(|| {
            format!(
                "stays at {}, although {} is specified: a volume cannot shrink",
                before.size, wanted.size
            )
        })
    };
    changes(wanted, running, before, kept).map(VolumeNote::Unchanged).collect()
}

/// The volumes of `wanted` that exist and would shrink or change their StorageClass, where
/// `specified` is the specification before.
pub fn refused_volume_specs(
    wanted: &Topology,
    specified: &Topology,
    running: &RunningTopology,
) -> Vec<String> {
    let refused = |before: &Volume, wanted: &Volume| {
        refused_shrink(before, wanted).or_else(|| refused_class(before, wanted))
    };
    changes(wanted, running, |name| specified.component(name), refused).collect()
}

/// What `describe` says of each volume that exists, before and as wanted.
fn changes<'a>(
    wanted: &'a Topology,
    running: &'a RunningTopology,
    component_before: impl Fn(&ComponentName) -> Option<&'a Component>,
    describe: impl Fn(&Volume, &Volume) -> Option<String>,
) -> impl Iterator<Item = String> {
    wanted.components().filter_map(move |component| {
        // What has no volume yet may change freely.
        _ = running.component(&component.name).filter(|found| !found.claims_unbound)?;
        let before = volume_of(component_before(&component.name)?)?;
        let text = describe(before, volume_of(component)?)?;
        Some(format!("the volume of {} {text}", component.name))
    })
}

fn volume_of(component: &Component) -> Option<&Volume> {
    match &component.behavior {
        Behavior::Store(store) => Some(&store.storage),
        Behavior::Peer(peer) => Some(&peer.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}

fn is_smaller(before: &Volume, wanted: &Volume) -> bool {
    match (before.size.parse::<Quantity>(), wanted.size.parse::<Quantity>()) {
        (Ok(old), Ok(new)) => new < old,
        _ => false,
    }
}

fn refused_shrink(before: &Volume, wanted: &Volume) -> Option<String> {
    is_smaller(before, wanted).then(|| {
        format!(
            "cannot shrink from {} to {}: keep its size or increase it",
            before.size, wanted.size
        )
    })
}

fn refused_class(before: &Volume, wanted: &Volume) -> Option<String> {
    match (&before.storage_class, &wanted.storage_class) {
        (before, wanted) if before == wanted => None,
        (Some(class), _) => Some(format!(
            "exists, and its StorageClass cannot change: restore storageClassName {class}"
        )),
        (None, _) => {
            Some("exists, and its StorageClass cannot change: remove storageClassName".to_owned())
        }
    }
}
