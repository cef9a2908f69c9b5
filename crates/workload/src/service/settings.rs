//! What a service makes of its configuration: its targets with their connections, and the way of
//! each collection.

use crate::{
    backend::StoreClient,
    migration::{Job, Origins},
    runtime::{Edge, Settings, Upstream},
};
use maquette_contract::{
    Call, CallMode, Collection, CollectionSet, ComponentName, Hop, MigrationObservation, Percent,
    Role, RoleConfig, Routes, ServiceConfig, StoreTarget, RequestWork,
};
use std::{collections::BTreeMap, sync::Arc};

/// A service's settings.
#[derive(Debug)]
pub(crate) struct ServiceSettings {
    /// The work of a request.
    pub(crate) work: RequestWork,
    /// How a summary makes its calls.
    pub(crate) mode: CallMode,
    /// The components that may be called.
    pub(crate) callees: Vec<Callee>,
    /// The store that may be queried.
    pub(crate) store: Option<Arc<StoreClient>>,
    /// The old homes of items of its own collections.
    pub(crate) origins: Origins,
    /// Where a request for these collections goes; nowhere if nobody who can be reached owns the collection.
    ways: BTreeMap<Collection, Option<Way>>,
    /// Where a request for any other collection goes.
    rest: Option<Way>,
}

/// A component that may be called.
#[derive(Clone, Debug)]
pub(crate) struct Callee {
    /// The connections to it.
    pub(crate) upstream: Arc<Upstream>,
    /// How often a summary calls it.
    pub(crate) probability: Percent,
}

/// Where a request for an item goes.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// To the own store: this service owns the collection.
    Own(Arc<StoreClient>),
    /// To a component that is nearer to the owner.
    Call(Arc<Upstream>),
}

impl ServiceSettings {
    /// Where a request for an item of `collection` goes.
    pub(crate) fn way(&self, collection: &Collection) -> Option<&Way> {
        match self.ways.get(collection) {
            Some(way) => way.as_ref(),
            None => self.rest.as_ref(),
        }
    }

    /// Whether this service owns the collection.
    pub(crate) fn owns(&self, collection: &Collection) -> bool {
        matches!(self.way(collection), Some(Way::Own(_)))
    }

    /// What it takes over, for the copy in the background.
    pub(crate) fn takes_over(&self) -> Job<StoreClient> {
        Job { origins: self.origins.clone(), to: self.store.clone() }
    }

    /// The collections that requests can be made for, for a person.
    pub(crate) fn known_collections(&self) -> String {
        let known = self.ways.iter().filter(|(_, way)| way.is_some());
        let collections: Vec<_> = known.map(|(collection, _)| collection.as_str()).collect();
        match (collections.is_empty(), self.rest.is_some()) {
            (true, true) => "any other collection".to_owned(),
            (true, false) => "no collection at all".to_owned(),
            (false, true) => format!("{} and any other collection", collections.join(", ")),
            (false, false) => collections.join(", "),
        }
    }

    fn upstream(&self, component: &ComponentName) -> Option<&Arc<Upstream>> {
        upstream(&self.callees, component)
    }
}

impl Settings for ServiceSettings {
    const ROLE: Role = Role::Service;

    fn check(role: &RoleConfig) -> Result<(), String> {
        let RoleConfig::Service(config) = role else { return Ok(()) };
        let named = config
            .routes
            .collections
            .iter()
            .map(|(collection, hop)| (collection.as_str(), hop.as_ref()));
        for (collection, hop) in named.chain([("*", config.routes.rest.as_ref())]) {
            match hop {
                Some(Hop::Own) if config.store.is_none() => {
                    return Err(format!("routes: {collection} is its own, but it has no store"));
                }
                Some(Hop::Call(component))
                    if !config.calls.iter().any(|call| call.component == *component) =>
                {
                    return Err(format!(
                        "routes: {collection} goes to {component}, which is not in calls"
                    ));
                }
                _ => {}
            }
        }
        Origins::check(&config.migration_sources, &owned(&config.routes))
    }

    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Service(config) = role else { return None };
        let ServiceConfig { work, mode, calls, store, routes, migration_sources: origins } = config;
        let callees: Vec<_> = calls.into_iter().map(|call| callee(call, before)).collect();
        let store = store.map(|target| connect(target, before));
        let known = before.map(|before| &before.origins);
        let origins = Origins::build(origins, &owned(&routes), known);
        let way = |hop: Hop| match hop {
            Hop::Own => store.clone().map(Way::Own),
            Hop::Call(component) => upstream(&callees, &component).cloned().map(Way::Call),
        };
        let ways = routes
            .collections
            .into_iter()
            .map(|(collection, hop)| (collection, hop.and_then(way)))
            .collect();
        let rest = routes.rest.and_then(way);
        Some(Self { work, mode, ways, rest, callees, store, origins })
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        let calls = self.callees.iter().map(|callee| callee.upstream.edge());
        let stores = self.store.iter().map(|store| store.edge()).chain(self.origins.edges());
        calls.chain(stores).cloned().collect()
    }

    fn origins(&self) -> Vec<MigrationObservation> {
        self.origins.observe()
    }
}

/// The collections that a service with these routes owns.
fn owned(routes: &Routes) -> CollectionSet {
    let rest = routes.rest == Some(Hop::Own);
    let named = routes.collections.iter();
    let named = named.filter(|(_, hop)| (**hop == Some(Hop::Own)) != rest);
    let named = named.map(|(collection, _)| collection.clone()).collect();
    if rest { CollectionSet::AllBut(named) } else { CollectionSet::Only(named) }
}

fn upstream<'a>(callees: &'a [Callee], component: &ComponentName) -> Option<&'a Arc<Upstream>> {
    let mut upstreams = callees.iter().map(|callee| &callee.upstream);
    upstreams.find(|upstream| upstream.edge().to() == component)
}

fn callee(call: Call, before: Option<&ServiceSettings>) -> Callee {
    let Call { component, address, probability_percent: probability } = call;
    let upstream = before
        .and_then(|before| before.upstream(&component))
        .filter(|upstream| upstream.edge().leads_to(&component, &address))
        .cloned()
        .unwrap_or_else(|| Upstream::new(component, address));
    Callee { upstream, probability }
}

fn connect(target: StoreTarget, before: Option<&ServiceSettings>) -> Arc<StoreClient> {
    let StoreTarget { component, address } = target;
    before
        .and_then(|before| before.store.as_ref())
        .filter(|store| store.edge().leads_to(&component, &address))
        .cloned()
        .unwrap_or_else(|| StoreClient::new(component, address))
}
