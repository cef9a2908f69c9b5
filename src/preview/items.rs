//! What a change does to the items of each collection.

use super::volumes::{VolumeFate, VolumePreview};
use crate::evolve::Placement;
use maquette_contract::{Collection, ComponentName};
use serde::Serialize;

/// What a change does to the items of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemsPreview {
    /// The collection; `*` stands for all collections that are not listed.
    pub collection: String,
    /// Whether the items stay, are copied or lose their owner.
    pub fate: ItemsFate,
    /// The store or peers that have the items before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The store or peers that have the items after the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What a change does to items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemsFate {
    /// They stay in the same backend.
    Stay,
    /// They are copied to their new backend while both backends are in use.
    Copied,
    /// The new owner starts without the items of the old backend.
    LeftBehind,
    /// Such items had no backend before.
    New,
    /// They have no owner after the change. They remain on a volume that is kept.
    WithoutOwner,
    /// They have no owner after the change, and are deleted with their volume.
    Deleted,
}

pub(super) fn preview_items(
    placements: &[Placement],
    volumes: &[VolumePreview],
) -> Vec<ItemsPreview> {
    placements.iter().filter_map(|placement| preview_collection(placement, volumes)).collect()
}

fn preview_collection(placement: &Placement, volumes: &[VolumePreview]) -> Option<ItemsPreview> {
    let Placement { collection, before, after, copied } = placement;
    let fate = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => ItemsFate::New,
        (Some(before), Some(after)) if before == after => ItemsFate::Stay,
        (Some(_), Some(_)) if *copied => ItemsFate::Copied,
        (Some(_), Some(_)) => ItemsFate::LeftBehind,
        (Some(before), None) if is_deleted(before, volumes) => ItemsFate::Deleted,
        (Some(_), None) => ItemsFate::WithoutOwner,
    };
    Some(ItemsPreview {
        collection: collection.as_ref().map_or_else(|| "*".to_owned(), Collection::to_string),
        fate,
        from: before.as_ref().map(ComponentName::to_string),
        to: after.as_ref().map(ComponentName::to_string),
    })
}

/// Whether any volume of `backend` is deleted.
fn is_deleted(backend: &ComponentName, volumes: &[VolumePreview]) -> bool {
    volumes.iter().any(|volume| {
        volume.component.as_deref() == Some(backend.as_str()) && volume.fate == VolumeFate::Deleted
    })
}
