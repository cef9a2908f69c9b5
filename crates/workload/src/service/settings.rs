//! What a service makes of its configuration: its targets with their connections, and the way of
//! each collection.

use crate::{
    backend::StoreClient,
    migration::{BackfillJob, Sources},
    runtime::{Edge, RoleSettings, Upstream},
};
use maquette_contract::{
    Call, CallMode, Collection, CollectionSet, ComponentName, Hop, MigrationObservation, Percent,
    RequestWork, Role, RoleConfig, Routes, ServiceConfig, StoreTarget,
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
    pub(crate) sources: Sources,
    /// Where a request for these collections goes; nowhere if nobody who can be reached owns the collection.
    named_routes: BTreeMap<Collection, Option<RouteTarget>>,
    /// Where a request for any other collection goes.
    default_route: Option<RouteTarget>,
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
pub(crate) enum RouteTarget {
    /// To the own store: this service owns the collection.
    OwnStore(Arc<StoreClient>),
    /// To a component that is nearer to the owner.
    Call(Arc<Upstream>),
}

impl ServiceSettings {
    /// Where a request for an item of `collection` goes.
    pub(crate) fn route_to(&self, collection: &Collection) -> Option<&RouteTarget> {
        match self.named_routes.get(collection) {
            Some(way) => way.as_ref(),
            None => self.default_route.as_ref(),
        }
    }

    /// Whether this service owns the collection.
    pub(crate) fn owns(&self, collection: &Collection) -> bool {
        matches!(self.route_to(collection), Some(RouteTarget::OwnStore(_)))
    }

    /// What it takes over, for the copy in the background.
    pub(crate) fn backfill_job(&self) -> BackfillJob<StoreClient> {
        BackfillJob { sources: self.sources.clone(), sink: self.store.clone() }
    }

    /// The collections that requests can be made for, for a person.
    pub(crate) fn routable_collections(&self) -> String {
        let known = self.named_routes.iter().filter(|(_, way)| way.is_some());
        let collections: Vec<_> = known.map(|(collection, _)| collection.as_str()).collect();
        match (collections.is_empty(), self.default_route.is_some()) {
            (true, true) => "any other collection".to_owned(),
            (true, false) => "no collection at all".to_owned(),
            (false, true) => format!("{} and any other collection", collections.join(", ")),
            (false, false) => collections.join(", "),
        }
    }

    fn upstream(&self, component: &ComponentName) -> Option<&Arc<Upstream>> {
        find_upstream(&self.callees, component)
    }
}

impl RoleSettings for ServiceSettings {
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
        Sources::validate(&config.migration_sources, &owned_collections(&config.routes))
    }

    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Service(config) = role else { return None };
        let ServiceConfig { work, mode, calls, store, routes, migration_sources: origins } = config;
        let callees: Vec<_> = calls.into_iter().map(|call| connect_callee(call, before)).collect();
        let store = store.map(|target| connect_store(target, before));
        let known = before.map(|before| &before.sources);
        let origins = Sources::build(origins, &owned_collections(&routes), known);
        let way = |hop: Hop| match hop {
            Hop::Own => store.clone().map(RouteTarget::OwnStore),
            Hop::Call(component) => {
                find_upstream(&callees, &component).cloned().map(RouteTarget::Call)
            }
        };
        let ways = routes
            .collections
            .into_iter()
            .map(|(collection, hop)| (collection, hop.and_then(way)))
            .collect();
        let rest = routes.rest.and_then(way);
        Some(Self {
            work,
            mode,
            named_routes: ways,
            default_route: rest,
            callees,
            store,
            sources: origins,
        })
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        let calls = self.callees.iter().map(|callee| callee.upstream.edge());
        let stores = self.store.iter().map(|store| store.edge()).chain(self.sources.edges());
        calls.chain(stores).cloned().collect()
    }

    fn migration_sources(&self) -> Vec<MigrationObservation> {
        self.sources.observe()
    }
}

/// The collections that a service with these routes owns.
fn owned_collections(routes: &Routes) -> CollectionSet {
    let rest = routes.rest == Some(Hop::Own);
    let named = routes.collections.iter();
    let named = named.filter(|(_, hop)| (**hop == Some(Hop::Own)) != rest);
    let named = named.map(|(collection, _)| collection.clone()).collect();
    if rest { CollectionSet::AllBut(named) } else { CollectionSet::Only(named) }
}

fn find_upstream<'a>(
    callees: &'a [Callee],
    component: &ComponentName,
) -> Option<&'a Arc<Upstream>> {
    let mut upstreams = callees.iter().map(|callee| &callee.upstream);
    upstreams.find(|upstream| upstream.edge().to() == component)
}

fn connect_callee(call: Call, before: Option<&ServiceSettings>) -> Callee {
    let Call { component, address, probability_percent: probability } = call;
    let upstream = before
        .and_then(|before| before.upstream(&component))
        .filter(|upstream| upstream.edge().leads_to(&component, &address))
        .cloned()
        .unwrap_or_else(|| Upstream::new(component, address));
    Callee { upstream, probability }
}

fn connect_store(target: StoreTarget, before: Option<&ServiceSettings>) -> Arc<StoreClient> {
    let StoreTarget { component, address } = target;
    before
        .and_then(|before| before.store.as_ref())
        .filter(|store| store.edge().leads_to(&component, &address))
        .cloned()
        .unwrap_or_else(|| StoreClient::new(component, address))
}
