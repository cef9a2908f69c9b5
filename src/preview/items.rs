//! Where the items of each kind are and where they will be.

use super::volumes::{VolumeFate, VolumePreview};
use crate::{
    evolve::Stage,
    graph::Model,
    plan::{Node, PlannedOrigin, Task},
};
use maquette_contract::{Hop, Kind, KindSet, NodeName, Routes};
use serde::Serialize;
use std::collections::BTreeSet;

/// What becomes of the items of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemsPreview {
    /// The kind; `*` stands for all that have no line of their own.
    pub kind: String,
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

/// What becomes of the items of each kind.
pub(super) fn items(
    before: &Model,
    after: &Model,
    stages: &[Stage],
    volumes: &[VolumePreview],
) -> Vec<ItemsPreview> {
    let kinds: BTreeSet<Kind> = [before, after].into_iter().flat_map(named).collect();
    let shares = kinds.iter().map(Some).chain([None]);
    shares.filter_map(|kind| of_kind(kind, before, after, stages, volumes)).collect()
}

fn of_kind(
    kind: Option<&Kind>,
    before: &Model,
    after: &Model,
    stages: &[Stage],
    volumes: &[VolumePreview],
) -> Option<ItemsPreview> {
    let from = owner(before, kind).and_then(|owner| complete_home(owner, kind));
    let to = owner(after, kind).and_then(own_home);
    let fate = match (from, to) {
        (None, None) => return None,
        (None, Some(_)) => ItemsFate::New,
        (Some(from), Some(to)) if from == to => ItemsFate::Stay,
        (Some(from), Some(_)) if is_copied(kind, from, stages) => ItemsFate::Copied,
        (Some(_), Some(_)) => ItemsFate::LeftBehind,
        (Some(from), None) if is_deleted(from, volumes) => ItemsFate::Deleted,
        (Some(_), None) => ItemsFate::WithoutOwner,
    };
    Some(ItemsPreview {
        kind: kind.map_or_else(|| "*".to_owned(), Kind::to_string),
        fate,
        from: from.map(NodeName::to_string),
        to: to.map(NodeName::to_string),
    })
}

/// Kinds that are named anywhere.
fn named(model: &Model) -> Vec<Kind> {
    let of_origin = |origin: &PlannedOrigin| {
        let (KindSet::Only(kinds) | KindSet::AllBut(kinds)) = &origin.kinds;
        kinds.clone()
    };
    let of_node = |node: &Node| {
        let routes = match &node.task {
            Task::Service(task) => task.routes.kinds.keys().cloned().collect(),
            _ => vec![],
        };
        origins(node).iter().flat_map(of_origin).chain(routes).collect::<Vec<_>>()
    };
    model.nodes().flat_map(of_node).collect()
}

fn hop<'a>(routes: &'a Routes, kind: Option<&Kind>) -> Option<&'a Hop> {
    match kind {
        Some(kind) => routes.hop(kind),
        None => routes.rest.as_ref(),
    }
}

/// The node that requests for a kind end at, from the entry.
fn owner<'a>(model: &'a Model, kind: Option<&Kind>) -> Option<&'a Node> {
    let mut node = model.node(model.entry()?)?;
    // No way is longer than there are nodes, unless it goes round for ever.
    for _ in model.nodes() {
        let next = match &node.task {
            Task::Service(task) => match hop(&task.routes, kind)? {
                Hop::Own => return Some(node),
                Hop::Call(next) => next,
            },
            Task::Peer(task) => match &task.successor {
                None => return Some(node),
                Some(next) => next,
            },
            Task::Store(_) | Task::Load(_) => return None,
        };
        node = model.node(next)?;
    }
    None
}

fn own_home(owner: &Node) -> Option<&NodeName> {
    match &owner.task {
        Task::Service(task) => task.store.as_ref(),
        Task::Peer(_) => Some(&owner.name),
        Task::Store(_) | Task::Load(_) => None,
    }
}

/// The home that has every item: the one that they are still taken over from, else the owner's.
fn complete_home<'a>(owner: &'a Node, kind: Option<&Kind>) -> Option<&'a NodeName> {
    let from = origins(owner).iter().find(|origin| is_in(kind, &origin.kinds));
    from.map(|origin| &origin.node).or_else(|| own_home(owner))
}

fn origins(node: &Node) -> &[PlannedOrigin] {
    match &node.task {
        Task::Service(task) => &task.origins,
        Task::Peer(task) => &task.origins,
        Task::Store(_) | Task::Load(_) => &[],
    }
}

fn is_in(kind: Option<&Kind>, kinds: &KindSet) -> bool {
    match kind {
        Some(kind) => kinds.contains(kind),
        None => matches!(kinds, KindSet::AllBut(_)),
    }
}

/// Whether some new owner takes these items over from `from`.
fn is_copied(kind: Option<&Kind>, from: &NodeName, stages: &[Stage]) -> bool {
    let nodes = stages.iter().flat_map(|stage| stage.apply.nodes());
    let mut origins = nodes.flat_map(origins);
    origins.any(|origin| origin.node == *from && is_in(kind, &origin.kinds))
}

fn is_deleted(home: &NodeName, volumes: &[VolumePreview]) -> bool {
    let mut of_home = volumes.iter().filter(|volume| volume.node.as_deref() == Some(home.as_str()));
    of_home.any(|volume| volume.fate == VolumeFate::Deleted)
}
