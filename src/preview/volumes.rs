//! What becomes of each volume.

use crate::{
    api::{Quantity, RetentionPolicy},
    graph::Model,
    plan::{Behavior, Component, Identity, Topology, Volume},
};
use maquette_contract::{ComponentName, keys::CLAIM};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumePreview {
    /// The name of the PersistentVolumeClaim.
    pub name: String,
    /// The store or peers that use it before or after; none if nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What becomes of it.
    pub fate: VolumeFate,
    /// How large it is, or will be if it is new.
    pub size: String,
    /// How large it is to be, if that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// What becomes of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeFate {
    /// It is in use before and after.
    Stays,
    /// The same, and it grows.
    Grows,
    /// The same; it is to be smaller, or of another StorageClass, and no volume can be made so.
    StaysAsItIs,
    /// It is made.
    New,
    /// It was kept when its component left the model, and is used again with what is on it.
    UsedAgain,
    /// Nobody uses it any more, and it is kept.
    Kept,
    /// Nobody uses it any more, and it is deleted.
    Deleted,
}

/// What becomes of each volume when `before` turns into `after`. `claims` are those that there are.
pub(super) fn preview_volumes(
    wanted: &Topology,
    before: &Model,
    after: &Model,
    claims: &BTreeMap<String, String>,
) -> Vec<VolumePreview> {
    let names: BTreeSet<&ComponentName> =
        before.components().chain(after.components()).map(|component| &component.name).collect();
    let of = |name: &ComponentName| {
        component_volumes(wanted, before.component(name), after.component(name), claims)
    };
    let mut volumes: Vec<_> = names.into_iter().flat_map(of).collect();
    let used: BTreeSet<_> = volumes.iter().map(|volume| volume.name.clone()).collect();
    let unused = claims.iter().filter(|(name, _)| !used.contains(*name));
    volumes.extend(unused.map(|(name, size)| VolumePreview {
        name: name.clone(),
        component: None,
        fate: fate_when_dropped(wanted),
        size: size.clone(),
        wanted: None,
    }));
    volumes
}

/// What the API server refuses where the shape stays, and the mend.
pub(super) fn refused_changes(before: &Model, after: &Model) -> Vec<String> {
    let refused = |new: &Component| {
        let (old, new_storage) = (
            before.component(&new.name).and_then(storage_with_count)?.0,
            storage_with_count(new)?.0,
        );
        let name = &new.name;
        if old.storage_class != new_storage.storage_class {
            return Some(format!(
                "{name}: a volume cannot move to another StorageClass: keep storageClassName as \
                 it was"
            ));
        }
        (parsed_size(new_storage) < parsed_size(old)).then(|| {
            format!("{name}: a volume cannot shrink: keep its size, {}, or raise it", old.size)
        })
    };
    after.components().filter_map(refused).collect()
}

fn fate_when_dropped(wanted: &Topology) -> VolumeFate {
    match wanted.retention().when_dropped {
        RetentionPolicy::Retain => VolumeFate::Kept,
        RetentionPolicy::Delete => VolumeFate::Deleted,
    }
}

fn component_volumes(
    wanted: &Topology,
    before: Option<&Component>,
    after: Option<&Component>,
    claims: &BTreeMap<String, String>,
) -> Vec<VolumePreview> {
    let (old, new) = (before.and_then(storage_with_count), after.and_then(storage_with_count));
    let Some(component) = after.or(before) else { return vec![] };
    let count = |side: &Option<(&Volume, u32)>| side.map_or(0, |(_, replicas)| replicas);
    let volume = |ordinal: u32| {
        let had = old.filter(|(_, replicas)| ordinal < *replicas).map(|(volume, _)| volume);
        let has = new.filter(|(_, replicas)| ordinal < *replicas).map(|(volume, _)| volume);
        let name = claim_name(wanted.identity(), &component.name, ordinal);
        let fate = volume_fate(wanted, had, has, claims.contains_key(&name))?;
        Some(VolumePreview {
            size: current_size(claims.get(&name), had.or(has)?),
            name,
            component: Some(component.name.to_string()),
            fate,
            wanted: has
                .filter(|has| had.is_some_and(|had| had != *has))
                .map(|has| has.size.clone()),
        })
    };
    (0..count(&old).max(count(&new))).filter_map(volume).collect()
}

/// The volume of each pod of a component, and how many there are.
fn storage_with_count(component: &Component) -> Option<(&Volume, u32)> {
    match &component.behavior {
        Behavior::Store(task) => Some((&task.storage, component.replicas)),
        Behavior::Peer(task) => Some((&task.storage, component.replicas)),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}

fn claim_name(identity: &Identity, component: &ComponentName, ordinal: u32) -> String {
    format!("{CLAIM}-{}-{ordinal}", identity.name.object_name(component))
}

fn volume_fate(
    wanted: &Topology,
    had: Option<&Volume>,
    has: Option<&Volume>,
    there: bool,
) -> Option<VolumeFate> {
    Some(match (had, has) {
        (None, None) => return None,
        (None, Some(_)) if there => VolumeFate::UsedAgain,
        (None, Some(_)) => VolumeFate::New,
        (Some(_), None) => fate_when_dropped(wanted),
        (Some(had), Some(has)) if had.storage_class != has.storage_class => VolumeFate::StaysAsItIs,
        (Some(had), Some(has)) => match parsed_size(has).cmp(&parsed_size(had)) {
            std::cmp::Ordering::Equal => VolumeFate::Stays,
            std::cmp::Ordering::Greater => VolumeFate::Grows,
            std::cmp::Ordering::Less => VolumeFate::StaysAsItIs,
        },
    })
}

/// What the claim says, where there is one.
fn current_size(claim: Option<&String>, volume: &Volume) -> String {
    claim.unwrap_or(&volume.size).clone()
}

fn parsed_size(volume: &Volume) -> Option<Quantity> {
    volume.size.parse().ok()
}
