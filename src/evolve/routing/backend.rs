//! Which backends a component uses.

use super::selector::CollectionSelector;
use crate::plan::{Behavior, Component, PlannedSource};
use maquette_contract::{ComponentName, Hop, SourceBackend};

/// A component that stores items: a store or the peers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::evolve) struct Backend {
    pub(in crate::evolve) component: ComponentName,
    pub(in crate::evolve) backend_type: SourceBackend,
}

/// Whether requests for these items end at `component`.
pub(in crate::evolve) fn is_owner_of(component: &Component, selector: &CollectionSelector) -> bool {
    match &component.behavior {
        Behavior::Service(service) => matches!(selector.hop(&service.routes), Some(Hop::Own)),
        Behavior::Peer(peer) => peer.successor.is_none(),
        Behavior::Store(_) | Behavior::Load(_) => false,
    }
}

pub(in crate::evolve) fn owns_any_collection(component: &Component) -> bool {
    match &component.behavior {
        Behavior::Service(service) => {
            let hops = service.routes.collections.values().flatten().chain(&service.routes.rest);
            hops.into_iter().any(|hop| *hop == Hop::Own)
        }
        Behavior::Peer(peer) => peer.successor.is_none(),
        Behavior::Store(_) | Behavior::Load(_) => false,
    }
}

/// Where `component` keeps the items that it owns.
pub(in crate::evolve) fn own_backend(component: &Component) -> Option<Backend> {
    match &component.behavior {
        Behavior::Service(service) => {
            let store = service.store.clone()?;
            Some(Backend { component: store, backend_type: SourceBackend::Store })
        }
        Behavior::Peer(_) => {
            Some(Backend { component: component.name.clone(), backend_type: SourceBackend::Peers })
        }
        Behavior::Store(_) | Behavior::Load(_) => None,
    }
}

/// The backends from which `component` migrates items.
pub(in crate::evolve) fn migration_sources(component: &Component) -> &[PlannedSource] {
    match &component.behavior {
        Behavior::Service(service) => &service.migration_sources,
        Behavior::Peer(peer) => &peer.migration_sources,
        Behavior::Store(_) | Behavior::Load(_) => &[],
    }
}

/// None where the role has no migration sources.
pub(super) fn migration_sources_mut(component: &mut Component) -> Option<&mut Vec<PlannedSource>> {
    match &mut component.behavior {
        Behavior::Service(service) => Some(&mut service.migration_sources),
        Behavior::Peer(peer) => Some(&mut peer.migration_sources),
        Behavior::Store(_) | Behavior::Load(_) => None,
    }
}

/// The names of all backends that `component` uses: its own and its migration sources.
pub(in crate::evolve) fn backend_components(
    component: &Component,
) -> impl Iterator<Item = ComponentName> {
    let sources = migration_sources(component).iter().map(|source| source.component.clone());
    own_backend(component).map(|backend| backend.component).into_iter().chain(sources)
}

/// Starts or cancels the final pass of every copy to `component`.
pub(in crate::evolve) fn set_final_pass(component: &mut Component, final_pass: bool) {
    for source in migration_sources_mut(component).into_iter().flatten() {
        source.final_pass = final_pass;
    }
}

/// Whether `component` has migration sources and is in the final pass of all of them.
pub(in crate::evolve) fn is_in_final_pass(component: &Component) -> bool {
    let sources = migration_sources(component);
    !sources.is_empty() && sources.iter().all(|source| source.final_pass)
}

/// The backend that has every write of these items that `owner` acknowledged: the migration source,
/// or the owner's own backend where there is none.
pub(in crate::evolve) fn authoritative_backend(
    owner: &Component,
    selector: &CollectionSelector,
) -> Option<Backend> {
    let mut sources = migration_sources(owner).iter();
    match sources.find(|source| selector.is_in(&source.collections)) {
        Some(source) => {
            Some(Backend { component: source.component.clone(), backend_type: source.backend })
        }
        None => own_backend(owner),
    }
}
