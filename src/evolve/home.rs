//! Where items are: the homes of each collection, and which of them has every acknowledged write.

use super::graph::{End, Graph, Share};
use crate::plan::{Behavior, Component, PlannedSource};
use maquette_contract::{Collection, CollectionSet, ComponentName, Hop, SourceBackend};
use std::collections::{BTreeMap, BTreeSet};

/// A component that keeps items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backend {
    pub(super) component: ComponentName,
    pub(super) home: SourceBackend,
}

/// Whether requests for these items end at `component`.
pub(super) fn owns(component: &Component, share: &Share) -> bool {
    match &component.behavior {
        Behavior::Service(task) => matches!(share.hop(&task.routes), Some(Hop::Own)),
        Behavior::Peer(task) => task.successor.is_none(),
        Behavior::Store(_) | Behavior::Load(_) => false,
    }
}

/// Whether requests for any items end at `component`.
pub(super) fn owns_anything(component: &Component) -> bool {
    match &component.behavior {
        Behavior::Service(task) => {
            let hops = task.routes.collections.values().flatten().chain(&task.routes.rest);
            hops.into_iter().any(|hop| *hop == Hop::Own)
        }
        Behavior::Peer(task) => task.successor.is_none(),
        Behavior::Store(_) | Behavior::Load(_) => false,
    }
}

/// Where `component` keeps the items that it owns.
pub(super) fn own_home(component: &Component) -> Option<Backend> {
    match &component.behavior {
        Behavior::Service(task) => {
            let store = task.store.clone()?;
            Some(Backend { component: store, home: SourceBackend::Store })
        }
        Behavior::Peer(_) => {
            Some(Backend { component: component.name.clone(), home: SourceBackend::Peers })
        }
        Behavior::Store(_) | Behavior::Load(_) => None,
    }
}

/// What `component` takes over.
pub(super) fn origins(component: &Component) -> &[PlannedSource] {
    match &component.behavior {
        Behavior::Service(task) => &task.migration_sources,
        Behavior::Peer(task) => &task.migration_sources,
        Behavior::Store(_) | Behavior::Load(_) => &[],
    }
}

/// The same, to be changed.
pub(super) fn origins_mut(component: &mut Component) -> Option<&mut Vec<PlannedSource>> {
    match &mut component.behavior {
        Behavior::Service(task) => Some(&mut task.migration_sources),
        Behavior::Peer(task) => Some(&mut task.migration_sources),
        Behavior::Store(_) | Behavior::Load(_) => None,
    }
}

/// The components that `component` keeps items in or takes them over from.
pub(super) fn homes(component: &Component) -> impl Iterator<Item = ComponentName> {
    let origins = origins(component).iter().map(|origin| origin.component.clone());
    own_home(component).map(|home| home.component).into_iter().chain(origins)
}

/// Says of every copy to `component` whether it is the last.
pub(super) fn set_last(component: &mut Component, last: bool) {
    origins_mut(component).into_iter().flatten().for_each(|origin| origin.final_pass = last);
}

/// Whether `component` is in the last pass of the copies from all its origins.
pub(super) fn last_began(component: &Component) -> bool {
    let origins = origins(component);
    !origins.is_empty() && origins.iter().all(|origin| origin.final_pass)
}

/// The home that every write goes to which `owner` acknowledges: the one that it takes them over
/// from, else its own.
pub(super) fn complete_home(owner: &Component, share: &Share) -> Option<Backend> {
    let origin = origins(owner).iter().find(|origin| share.is_in(&origin.collections));
    match origin {
        Some(origin) => Some(Backend { component: origin.component.clone(), home: origin.backend }),
        None => own_home(owner),
    }
}

/// For items of every collection, the home that has all acknowledged writes of what runs.
pub(super) struct SourcesOfTruth(BTreeMap<Share, Backend>);

impl SourcesOfTruth {
    /// Those of `running`. `collections` are the collections that count; all others are the rest.
    pub(super) fn of(running: &Graph<'_>, collections: &BTreeSet<Collection>) -> Self {
        let home = |share: Share| {
            let home = authority(running, &share)?;
            Some((share, home))
        };
        Self(shares(collections).into_iter().filter_map(home).collect())
    }

    /// The components that are a home.
    pub(super) fn homes(&self) -> BTreeSet<&ComponentName> {
        self.0.values().map(|home| &home.component).collect()
    }

    /// Without the homes of which `exists` says that there are none.
    pub(super) fn only(mut self, exists: impl Fn(&ComponentName) -> bool) -> Self {
        self.0.retain(|_, home| exists(&home.component));
        self
    }

    /// Lets `owner` take over what it must, so that it can answer for its items.
    pub(super) fn give_origins(&self, owner: &mut Component) {
        let origins = self.origins(owner);
        if let Some(before) = origins_mut(owner) {
            *before = origins;
        }
    }

    /// What `owner` must take over, and from where.
    fn origins(&self, owner: &Component) -> Vec<PlannedSource> {
        let Some(own) = own_home(owner) else { return vec![] };
        let mut from: BTreeMap<&Backend, BTreeSet<&Share>> = BTreeMap::new();
        let owned: Vec<_> = self.0.iter().filter(|(share, _)| owns(owner, share)).collect();
        for (share, home) in owned.iter().filter(|(_, home)| **home != own) {
            from.entry(home).or_default().insert(share);
        }
        let origin = |(home, shares): (&Backend, BTreeSet<&Share>)| PlannedSource {
            component: home.component.clone(),
            backend: home.home,
            collections: if shares.contains(&Share::Rest) {
                CollectionSet::AllBut(named(
                    owned.iter().map(|(s, _)| *s).filter(|s| !shares.contains(s)),
                ))
            } else {
                CollectionSet::Only(named(shares.into_iter()))
            },
            final_pass: false,
        };
        from.into_iter().map(origin).collect()
    }
}

/// The home that has all acknowledged writes of these items: that of the owner that requests end at.
/// Where somebody deleted a part of their way it is that of all who own them, if they agree.
fn authority(running: &Graph<'_>, share: &Share) -> Option<Backend> {
    let mut owners = running.components().filter(|component| owns(component, share));
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
    let is_complete =
        |component: &Component| complete_home(component, share).as_ref() == Some(&own);
    if owners.any(|component| own_home(component).as_ref() == Some(&own) && is_complete(component))
    {
        return Some(own);
    }
    complete_home(owner, share)
}

fn named<'a>(shares: impl Iterator<Item = &'a Share>) -> BTreeSet<Collection> {
    let collection = |share: &Share| match share {
        Share::Collection(collection) => Some(collection.clone()),
        Share::Rest => None,
    };
    shares.filter_map(collection).collect()
}

/// Each of the collections, and the rest.
pub(super) fn shares(collections: &BTreeSet<Collection>) -> Vec<Share> {
    collections.iter().cloned().map(Share::Collection).chain([Share::Rest]).collect()
}
