//! The settings of a service: its routes, with the connections to their targets.

use crate::{
    backend::StoreClient,
    migration::{BackfillJob, Sources},
    runtime::{Edge, EdgeTarget, RoleSettings, Upstream},
};
use maquette_contract::{
    Call, CallMode, Collection, CollectionSet, ComponentIdentity, ComponentName, Hop,
    MigrationObservation, Percent, RequestWork, Role, RoleConfig, Routes, ServiceConfig,
    StoreTarget,
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug)]
pub(crate) struct ServiceSettings {
    /// The simulated work of each request.
    pub(crate) work: RequestWork,
    /// Whether a summary makes its calls in parallel.
    pub(crate) mode: CallMode,
    /// The components that routes and summaries may call.
    pub(crate) callees: Vec<Callee>,
    /// The own store, if any.
    pub(crate) store: Option<Arc<StoreClient>>,
    /// The migration sources of owned collections.
    pub(crate) sources: Sources,
    /// The routes of single collections; none for one whose owner cannot be reached.
    named_routes: BTreeMap<Collection, Option<RouteTarget>>,
    /// The route of all other collections.
    default_route: Option<RouteTarget>,
}

/// A component that may be called.
#[derive(Clone, Debug)]
pub(crate) struct Callee {
    /// Its edge and connections.
    pub(crate) upstream: Arc<Upstream>,
    /// The share of summaries that call it.
    pub(crate) probability: Percent,
}

/// The target of a route.
#[derive(Clone, Debug)]
pub(crate) enum RouteTarget {
    /// The own store: this service owns the collection.
    OwnStore(Arc<StoreClient>),
    /// A component that is nearer to the owner, or the owner.
    Call(Arc<Upstream>),
}

impl ServiceSettings {
    /// The target of requests for items of `collection`.
    pub(crate) fn route_to(&self, collection: &Collection) -> Option<&RouteTarget> {
        match self.named_routes.get(collection) {
            Some(target) => target.as_ref(),
            None => self.default_route.as_ref(),
        }
    }

    pub(crate) fn owns_collection(&self, collection: &Collection) -> bool {
        matches!(self.route_to(collection), Some(RouteTarget::OwnStore(_)))
    }

    /// The backfills from the migration sources to the own store.
    pub(crate) fn backfill_job(&self) -> BackfillJob<StoreClient> {
        BackfillJob { sources: self.sources.clone(), sink: self.store.clone() }
    }

    /// The collections that have a route, as text for messages.
    pub(crate) fn routable_collections(&self) -> String {
        let routed = self.named_routes.iter().filter(|(_, target)| target.is_some());
        let collections: Vec<_> = routed.map(|(collection, _)| collection.as_str()).collect();
        match (collections.is_empty(), self.default_route.is_some()) {
            (true, true) => "any other collection".to_owned(),
            (true, false) => "no collection".to_owned(),
            (false, true) => format!("{} and any other collection", collections.join(", ")),
            (false, false) => collections.join(", "),
        }
    }

    /// The target of a hop; none if there is no hop, or its target is not configured.
    fn resolve_hop(&self, hop: Option<Hop>) -> Option<RouteTarget> {
        match hop? {
            Hop::Own => self.store.clone().map(RouteTarget::OwnStore),
            Hop::Call(component) => self.find_upstream(&component).cloned().map(RouteTarget::Call),
        }
    }

    fn find_upstream(&self, component: &ComponentName) -> Option<&Arc<Upstream>> {
        let mut upstreams = self.callees.iter().map(|callee| &callee.upstream);
        upstreams.find(|upstream| upstream.edge().to() == component)
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
                    return Err(format!(
                        "routes: {collection} is routed to the own store, but there is no store"
                    ));
                }
                Some(Hop::Call(component))
                    if !config.calls.iter().any(|call| call.component == *component) =>
                {
                    return Err(format!(
                        "routes: {collection} is routed to {component}, which is not in calls"
                    ));
                }
                _ => {}
            }
        }
        Sources::validate(&config.migration_sources, &owned_collections(&config.routes))
    }

    fn build(role: RoleConfig, own: &ComponentIdentity, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Service(config) = role else { return None };
        let ServiceConfig { work, mode, calls, store, routes, migration_sources } = config;
        let owned = owned_collections(&routes);
        let kept_sources = before.map(|before| &before.sources);
        let mut settings = Self {
            work,
            mode,
            callees: calls.into_iter().map(|call| connect_callee(call, own, before)).collect(),
            store: store.map(|store| connect_store(store, own, before)),
            sources: Sources::build(migration_sources, own, &owned, kept_sources),
            named_routes: BTreeMap::new(),
            default_route: None,
        };
        settings.named_routes = routes
            .collections
            .into_iter()
            .map(|(collection, hop)| (collection, settings.resolve_hop(hop)))
            .collect();
        settings.default_route = settings.resolve_hop(routes.rest);
        Some(settings)
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        let calls = self.callees.iter().map(|callee| callee.upstream.edge());
        let stores = self.store.iter().map(|store| store.edge()).chain(self.sources.edges());
        calls.chain(stores).cloned().collect()
    }

    fn migration_sources(&self) -> Vec<MigrationObservation> {
        self.sources.observations()
    }
}

/// The collections that a service with these routes owns.
fn owned_collections(routes: &Routes) -> CollectionSet {
    let owns_rest = routes.rest == Some(Hop::Own);
    let exceptions = routes
        .collections
        .iter()
        .filter(|(_, hop)| (**hop == Some(Hop::Own)) != owns_rest)
        .map(|(collection, _)| collection.clone())
        .collect();
    if owns_rest { CollectionSet::AllBut(exceptions) } else { CollectionSet::Only(exceptions) }
}

fn connect_callee(call: Call, own: &ComponentIdentity, before: Option<&ServiceSettings>) -> Callee {
    let Call { component, address, probability_percent: probability } = call;
    let target = EdgeTarget::new(own, component, address);
    let upstream = before
        .and_then(|before| before.find_upstream(&target.component))
        .filter(|upstream| *upstream.edge().target() == target)
        .cloned()
        .unwrap_or_else(|| Upstream::new(target));
    Callee { upstream, probability }
}

fn connect_store(
    store: StoreTarget,
    own: &ComponentIdentity,
    before: Option<&ServiceSettings>,
) -> Arc<StoreClient> {
    let target = EdgeTarget::new(own, store.component, store.address);
    before
        .and_then(|before| before.store.as_ref())
        .filter(|store| *store.edge().target() == target)
        .cloned()
        .unwrap_or_else(|| StoreClient::new(target))
}
