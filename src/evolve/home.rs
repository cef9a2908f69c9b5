//! Where items are: the homes of each kind, and which of them has every acknowledged write.

use super::graph::{Graph, Share};
use crate::plan::{Node, PlannedOrigin, Task};
use maquette_contract::{Hop, Kind, KindSet, NodeName, OriginHome};
use std::collections::{BTreeMap, BTreeSet};

/// A node that keeps items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Home {
    pub(super) node: NodeName,
    pub(super) home: OriginHome,
}

/// Whether requests for these items end at `node`.
pub(super) fn owns(node: &Node, share: &Share) -> bool {
    match &node.task {
        Task::Service(task) => matches!(share.hop(&task.routes), Some(Hop::Own)),
        Task::Peer(task) => task.successor.is_none(),
        Task::Store(_) | Task::Load(_) => false,
    }
}

/// Whether requests for any items end at `node`.
pub(super) fn owns_anything(node: &Node) -> bool {
    match &node.task {
        Task::Service(task) => {
            let hops = task.routes.kinds.values().flatten().chain(&task.routes.rest);
            hops.into_iter().any(|hop| *hop == Hop::Own)
        }
        Task::Peer(task) => task.successor.is_none(),
        Task::Store(_) | Task::Load(_) => false,
    }
}

/// Where `node` keeps the items that it owns.
pub(super) fn own_home(node: &Node) -> Option<Home> {
    match &node.task {
        Task::Service(task) => {
            let store = task.store.clone()?;
            Some(Home { node: store, home: OriginHome::Store })
        }
        Task::Peer(_) => Some(Home { node: node.name.clone(), home: OriginHome::Peers }),
        Task::Store(_) | Task::Load(_) => None,
    }
}

/// What `node` takes over.
pub(super) fn origins(node: &Node) -> &[PlannedOrigin] {
    match &node.task {
        Task::Service(task) => &task.origins,
        Task::Peer(task) => &task.origins,
        Task::Store(_) | Task::Load(_) => &[],
    }
}

/// The same, to be changed.
pub(super) fn origins_mut(node: &mut Node) -> Option<&mut Vec<PlannedOrigin>> {
    match &mut node.task {
        Task::Service(task) => Some(&mut task.origins),
        Task::Peer(task) => Some(&mut task.origins),
        Task::Store(_) | Task::Load(_) => None,
    }
}

/// Says of every copy to `node` whether it is the last.
pub(super) fn set_last(node: &mut Node, last: bool) {
    origins_mut(node).into_iter().flatten().for_each(|origin| origin.last = last);
}

/// Whether `node` is in the last pass of the copies from all its origins.
pub(super) fn last_began(node: &Node) -> bool {
    let origins = origins(node);
    !origins.is_empty() && origins.iter().all(|origin| origin.last)
}

/// The home that every write goes to which `owner` acknowledges: the one that it takes them over
/// from, else its own.
pub(super) fn complete_home(owner: &Node, share: &Share) -> Option<Home> {
    let origin = origins(owner).iter().find(|origin| share.is_in(&origin.kinds));
    match origin {
        Some(origin) => Some(Home { node: origin.node.clone(), home: origin.home }),
        None => own_home(owner),
    }
}

/// For items of every kind, the home that has all acknowledged writes of what runs.
pub(super) struct Authorities(BTreeMap<Share, Home>);

impl Authorities {
    /// Those of `running`. `kinds` are the kinds that count; all others are the rest.
    pub(super) fn of(running: &Graph<'_>, kinds: &BTreeSet<Kind>) -> Self {
        let shares = shares(kinds);
        let home = |share: Share| {
            let home = complete_home(running.owner(&share)?, &share)?;
            running.node(&home.node)?;
            Some((share, home))
        };
        Self(shares.into_iter().filter_map(home).collect())
    }

    /// Lets `owner` take over what it must, so that it can answer for its items.
    pub(super) fn give_origins(&self, owner: &mut Node) {
        let origins = self.origins(owner);
        if let Some(before) = origins_mut(owner) {
            *before = origins;
        }
    }

    /// What `owner` must take over, and from where.
    fn origins(&self, owner: &Node) -> Vec<PlannedOrigin> {
        let Some(own) = own_home(owner) else { return vec![] };
        let mut from: BTreeMap<&Home, BTreeSet<&Share>> = BTreeMap::new();
        let owned: Vec<_> = self.0.iter().filter(|(share, _)| owns(owner, share)).collect();
        for (share, home) in owned.iter().filter(|(_, home)| **home != own) {
            from.entry(home).or_default().insert(share);
        }
        let origin = |(home, shares): (&Home, BTreeSet<&Share>)| PlannedOrigin {
            node: home.node.clone(),
            home: home.home,
            kinds: if shares.contains(&Share::Rest) {
                KindSet::AllBut(named(
                    owned.iter().map(|(s, _)| *s).filter(|s| !shares.contains(s)),
                ))
            } else {
                KindSet::Only(named(shares.into_iter()))
            },
            last: false,
        };
        from.into_iter().map(origin).collect()
    }
}

fn named<'a>(shares: impl Iterator<Item = &'a Share>) -> BTreeSet<Kind> {
    let kind = |share: &Share| match share {
        Share::Kind(kind) => Some(kind.clone()),
        Share::Rest => None,
    };
    shares.filter_map(kind).collect()
}

/// Each of the kinds, and the rest.
pub(super) fn shares(kinds: &BTreeSet<Kind>) -> Vec<Share> {
    kinds.iter().cloned().map(Share::Kind).chain([Share::Rest]).collect()
}
