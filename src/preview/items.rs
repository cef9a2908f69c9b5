//! Where the items of each collection are and where they will be.

use super::volumes::{VolumeFate, VolumePreview};
use crate::evolve::Placement;
use maquette_contract::{Collection, ComponentName};
use serde::Serialize;

/// What becomes of the items of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemsPreview {
    /// The collection; `*` stands for all that have no line of their own.
    pub collection: String,
    /// What becomes of them.
    pub fate: ItemsFate,
    /// The store or peers that have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The store or peers that will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What becomes of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemsFate {
    /// They stay where they are.
    Stay,
    /// They are copied to their new home while both are asked.
    Copied,
    /// Their new owner begins without what the old home has.
    LeftBehind,
    /// Nobody kept such items before.
    New,
    /// Nobody owns them any more; they stay on a volume that is kept.
    WithoutOwner,
    /// Nobody owns them any more, and they go with their volume.
    Deleted,
}

/// What becomes of the items of each collection.
pub(super) fn preview_items(places: &[Placement], volumes: &[VolumePreview]) -> Vec<ItemsPreview> {
    places.iter().filter_map(|place| preview_collection(place, volumes)).collect()
}

fn preview_collection(place: &Placement, volumes: &[VolumePreview]) -> Option<ItemsPreview> {
    let Placement { collection, before, after, copied } = place;
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

fn is_deleted(home: &ComponentName, volumes: &[VolumePreview]) -> bool {
    let mut of_home =
        volumes.iter().filter(|volume| volume.component.as_deref() == Some(home.as_str()));
    of_home.any(|volume| volume.fate == VolumeFate::Deleted)
}
