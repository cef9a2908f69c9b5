//! Where items are: the homes of each kind, and which of them has every acknowledged write.

use super::graph::{End, Graph, Share};
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

/// The nodes that `node` keeps items in or takes them over from.
pub(super) fn homes(node: &Node) -> impl Iterator<Item = NodeName> {
    let origins = origins(node).iter().map(|origin| origin.node.clone());
    own_home(node).map(|home| home.node).into_iter().chain(origins)
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
        let home = |share: Share| {
            let home = authority(running, &share)?;
            Some((share, home))
        };
        Self(shares(kinds).into_iter().filter_map(home).collect())
    }

    /// The nodes that are a home.
    pub(super) fn homes(&self) -> BTreeSet<&NodeName> {
        self.0.values().map(|home| &home.node).collect()
    }

    /// Without the homes of which `exists` says that there are none.
    pub(super) fn only(mut self, exists: impl Fn(&NodeName) -> bool) -> Self {
        self.0.retain(|_, home| exists(&home.node));
        self
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

/// The home that has all acknowledged writes of these items: that of the owner that requests end at.
/// Where somebody deleted a part of their way it is that of all who own them, if they agree.
fn authority(running: &Graph<'_>, share: &Share) -> Option<Home> {
    let mut owners = running.nodes().filter(|node| owns(node, share));
    let owner = match running.end(share) {
        End::Owner(owner) => owner,
        End::Nobody => return None,
        End::Gone => {
            let homes = owners.filter_map(|owner| complete_home(owner, share));
            let homes: BTreeSet<_> = homes.collect();
            return if homes.len() == 1 { homes.into_iter().next() } else { None };
        }
    };
    // Once one of those who share a new home was told to ask it alone, everything is there.
    let own = own_home(owner)?;
    let is_complete = |node: &Node| complete_home(node, share).as_ref() == Some(&own);
    if owners.any(|node| own_home(node).as_ref() == Some(&own) && is_complete(node)) {
        return Some(own);
    }
    complete_home(owner, share)
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
