//! What a change does to each volume.

use super::CurrentState;
use crate::{
    api::{Quantity, RetentionPolicy},
    graph::Model,
    plan::{Behavior, Component, Identity, Topology, Volume},
};
use maquette_contract::{ComponentName, keys::CLAIM};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a change does to a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumePreview {
    /// The name of the PersistentVolumeClaim.
    pub name: String,
    /// The store or peers that use it before or after the change; none if it is unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Whether it is kept, created, resized or deleted.
    pub fate: VolumeFate,
    /// The current size, or the size of a new volume.
    pub size: String,
    /// The wanted size, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// What happens to a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeFate {
    /// It is in use before and after the change.
    Stays,
    /// It is in use before and after the change, and grows.
    Grows,
    /// It is in use before and after the change. It should shrink or have another StorageClass,
    /// which is not possible.
    StaysAsItIs,
    /// It is created for a component.
    New,
    /// Its claim has no volume yet, and is deleted and created as specified.
    Recreated,
    /// It was kept when its component was removed, and is reused with its data.
    UsedAgain,
    /// It is not in use any more, and is kept.
    Kept,
    /// It is not in use any more, and is deleted.
    Deleted,
}

/// What happens to each volume of `current` when `before`, its model, changes into `after`.
pub(super) fn preview_volumes(
    wanted: &Topology,
    current: &CurrentState<'_>,
    before: &Model,
    after: &Model,
) -> Vec<VolumePreview> {
    let claims = current.claims;
    let names: BTreeSet<&ComponentName> =
        before.components().chain(after.components()).map(|component| &component.name).collect();
    let mut volumes = vec![];
    for name in names {
        let (old, new) = (before.component(name), after.component(name));
        let found = current.running.component(name);
        volumes.extend(match (old, new) {
            (Some(old), Some(new))
                if found.is_some_and(|found| found.claims_unbound)
                    && volume_of(old) != volume_of(new) =>
            {
                recreated_volumes(wanted, new, claims)
            }
            _ => component_volumes(wanted, old, new, claims),
        });
    }
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

fn fate_when_dropped(wanted: &Topology) -> VolumeFate {
    match wanted.retention().when_dropped {
        RetentionPolicy::Retain => VolumeFate::Kept,
        RetentionPolicy::Delete => VolumeFate::Deleted,
    }
}

/// The volumes of a component whose claims have none yet.
fn recreated_volumes(
    wanted: &Topology,
    after: &Component,
    claims: &BTreeMap<String, String>,
) -> Vec<VolumePreview> {
    let mut volumes = component_volumes(wanted, None, Some(after), &BTreeMap::new());
    for volume in &mut volumes {
        if let Some(requested) = claims.get(&volume.name) {
            volume.fate = VolumeFate::Recreated;
            let wanted_size = std::mem::replace(&mut volume.size, requested.clone());
            volume.wanted = Some(wanted_size);
        }
    }
    volumes
}

fn component_volumes(
    wanted: &Topology,
    before: Option<&Component>,
    after: Option<&Component>,
    claims: &BTreeMap<String, String>,
) -> Vec<VolumePreview> {
    let Some(component) = after.or(before) else { return vec![] };
    let replicas = before.into_iter().chain(after).map(|one| one.replicas).max().unwrap_or(0);
    let volumes = (0..replicas).filter_map(|ordinal| {
        let old = before.and_then(|one| pod_volume(one, ordinal));
        let new = after.and_then(|one| pod_volume(one, ordinal));
        let name = claim_name(wanted.identity(), &component.name, ordinal);
        let fate = volume_fate(wanted, old, new, claims.contains_key(&name))?;
        let is_changed = old.is_some_and(|old| Some(old) != new);
        Some(VolumePreview {
            size: claims.get(&name).unwrap_or(&old.or(new)?.size).clone(),
            name,
            component: Some(component.name.to_string()),
            fate,
            wanted: new.filter(|_| is_changed).map(|new| new.size.clone()),
        })
    });
    volumes.collect()
}

/// The volume of the pod with this ordinal.
fn pod_volume(component: &Component, ordinal: u32) -> Option<&Volume> {
    volume_of(component).filter(|_| ordinal < component.replicas)
}

fn volume_of(component: &Component) -> Option<&Volume> {
    match &component.behavior {
        Behavior::Store(store) => Some(&store.storage),
        Behavior::Peer(peer) => Some(&peer.storage),
        Behavior::Service(_) | Behavior::Load(_) => None,
    }
}

fn claim_name(identity: &Identity, component: &ComponentName, ordinal: u32) -> String {
    format!("{CLAIM}-{}-{ordinal}", identity.name.object_name(component))
}

fn volume_fate(
    wanted: &Topology,
    old: Option<&Volume>,
    new: Option<&Volume>,
    claim_exists: bool,
) -> Option<VolumeFate> {
    Some(match (old, new) {
        (None, None) => return None,
        (None, Some(_)) if claim_exists => VolumeFate::UsedAgain,
        (None, Some(_)) => VolumeFate::New,
        (Some(_), None) => fate_when_dropped(wanted),
        (Some(old), Some(new)) if old.storage_class != new.storage_class => VolumeFate::StaysAsItIs,
        (Some(old), Some(new)) => match parsed_size(new).cmp(&parsed_size(old)) {
            std::cmp::Ordering::Equal => VolumeFate::Stays,
            std::cmp::Ordering::Greater => VolumeFate::Grows,
            std::cmp::Ordering::Less => VolumeFate::StaysAsItIs,
        },
    })
}

fn parsed_size(volume: &Volume) -> Option<Quantity> {
    volume.size.parse().ok()
}
