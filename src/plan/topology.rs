//! The graph of a model: components with a role, and the edges that follow from their behavior.
//!
//! Owns the only description of a model that all code after `plan` uses. It is the same for all shapes.

use crate::api::{PodSettings, Retention};
use k8s_openapi::api::core::v1::ResourceRequirements;
use maquette_contract::{
    ArchitectureName, Arrivals, CallMode, ClosedLoop, Collection, CollectionSet, ComponentName,
    Percent, Ramp, RequestWork, Role, Routes, SourceBackend,
};
use std::collections::BTreeMap;

/// The identity of an Architecture in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `metadata.name`: the prefix of all object names.
    pub name: ArchitectureName,
    /// `metadata.namespace`: where all objects are.
    pub namespace: String,
    /// `metadata.uid`, for owner references. Empty without a cluster.
    pub uid: String,
}

impl Identity {
    /// The DNS name of the Service `service` in the namespace of the Architecture.
    pub fn service_host(&self, service: &str) -> String {
        format!("{service}.{}.svc", self.namespace)
    }
}

/// A planned model. Only `plan` makes one and only `evolve` derives others, so `render` cannot get
/// a model that was not planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    pub(crate) identity: Identity,
    pub(crate) entry: ComponentName,
    pub(crate) components: BTreeMap<ComponentName, Component>,
    pub(crate) pods: PodSettings,
    pub(crate) retention: Retention,
}

impl Topology {
    /// The Architecture of this model.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The component behind the entry Service.
    pub fn entry(&self) -> &ComponentName {
        &self.entry
    }

    /// The components, in the order of their names.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    /// None if the model has no component of this name.
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.get(name)
    }

    /// Settings of all pods.
    pub fn pods(&self) -> &PodSettings {
        &self.pods
    }

    /// Whether volumes that are no longer in use are deleted.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// The edges of all components, in the order of the components' names.
    pub fn edges(&self) -> Vec<Edge> {
        self.components().flat_map(Component::edges).collect()
    }
}

/// A component of the model: it becomes a Deployment or StatefulSet and the objects around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Unique in the Architecture.
    pub name: ComponentName,
    /// The number of pods.
    pub replicas: u32,
    /// Requests and limits of each pod.
    pub resources: ResourceRequirements,
    /// What its pods do; it determines the role.
    pub behavior: Behavior,
}

impl Component {
    /// The role that the behavior implies.
    pub fn role(&self) -> Role {
        match self.behavior {
            Behavior::Service(_) => Role::Service,
            Behavior::Store(_) => Role::Store,
            Behavior::Peer(_) => Role::Peer,
            Behavior::Load(_) => Role::Load,
        }
    }

    /// The edges that start at this component.
    pub fn edges(&self) -> Vec<Edge> {
        match &self.behavior {
            Behavior::Service(service) => {
                let called = service.calls.iter().map(|call| &call.to);
                let calls = self.edges_to(EdgeKind::Calls, called);
                let queries = self.edges_to(EdgeKind::Queries, &service.store);
                calls.chain(queries).chain(self.migrations(&service.migration_sources)).collect()
            }
            Behavior::Store(_) => vec![],
            Behavior::Peer(peer) => self
                .edges_to(EdgeKind::Peers, [&self.name])
                .chain(self.migrations(&peer.migration_sources))
                .chain(self.edges_to(EdgeKind::Calls, &peer.successor))
                .collect(),
            Behavior::Load(load) => self.edges_to(EdgeKind::Drives, &load.drives).collect(),
        }
    }

    fn edges_to<'a>(
        &self,
        kind: EdgeKind,
        targets: impl IntoIterator<Item = &'a ComponentName>,
    ) -> impl Iterator<Item = Edge> {
        targets.into_iter().map(move |to| Edge { kind, from: self.name.clone(), to: to.clone() })
    }

    fn migrations(&self, sources: &[PlannedSource]) -> impl Iterator<Item = Edge> {
        self.edges_to(EdgeKind::Migrates, sources.iter().map(|source| &source.component))
    }
}

/// What a component does, by role.
#[derive(Clone, Debug, PartialEq)]
pub enum Behavior {
    /// Answers requests by calls and queries.
    Service(ServiceBehavior),
    /// Stores items for services.
    Store(StoreBehavior),
    /// Stores a share of the items and answers requests.
    Peer(PeerBehavior),
    /// Sends requests that simulate end users.
    Load(LoadBehavior),
}

/// The behavior of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceBehavior {
    /// The simulated work of each request.
    pub work: RequestWork,
    /// How a summary request makes the calls.
    pub mode: CallMode,
    /// The calls that it may make.
    pub calls: Vec<PlannedCall>,
    /// The store that it may query.
    pub store: Option<ComponentName>,
    /// The next hop of each collection.
    pub routes: Routes,
    /// The sources from which it migrates items at the moment.
    pub migration_sources: Vec<PlannedSource>,
}

/// A migration source: a component that still stores items of a collection with a new owner. Only
/// `evolve` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSource {
    /// The store or the peers that have the items.
    pub component: ComponentName,
    /// Whether it is a store or peers.
    pub backend: SourceBackend,
    /// The collections to migrate from it.
    pub collections: CollectionSet,
    /// True if all other writers of the source have stopped: a backfill that completes now is
    /// final.
    pub final_pass: bool,
}

/// A call that a service may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCall {
    /// The name of the called component.
    pub to: ComponentName,
    /// The percentage of summary requests that make the call.
    pub probability_percent: Percent,
}

/// The behavior of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreBehavior {
    /// The volume of the items.
    pub storage: Volume,
}

/// The behavior of the peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerBehavior {
    /// The simulated work of each request.
    pub work: RequestWork,
    /// The number of peers that store each item.
    pub replication_factor: u32,
    /// The number of pods that store items; less than the number of running pods while some pods
    /// hand over their items before they stop.
    pub members: u32,
    /// Whether the peers began with another number of members; never false again.
    pub members_changed: bool,
    /// Whether the pods serve their own items on [`maquette_contract::ports::INTERNAL`]. Pods of
    /// earlier versions serve them on the port of requests.
    pub has_internal_port: bool,
    /// The volume of each peer.
    pub storage: Volume,
    /// The sources from which the peers migrate items at the moment.
    pub migration_sources: Vec<PlannedSource>,
    /// The component to which the peers forward users' requests before the peers are deleted.
    pub successor: Option<ComponentName>,
}

/// The behavior of the load generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBehavior {
    /// The components that it sends requests to.
    pub drives: Vec<ComponentName>,
    /// Requests per second, over all components; not used in a closed loop.
    pub requests_per_second: u32,
    /// How the requests of an open loop follow each other.
    pub arrivals: Arrivals,
    /// How the rate of an open loop grows.
    pub ramp: Option<Ramp>,
    /// The users of a closed loop; none: an open loop.
    pub closed_loop: Option<ClosedLoop>,
    /// The percentage of requests that write an item.
    pub write_percent: Percent,
    /// The percentage of requests that request the summary.
    pub summary_percent: Percent,
    /// The number of different items, over all collections.
    pub items: u32,
    /// The collections of those items.
    pub collections: Vec<Collection>,
}

/// The volume of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// A Kubernetes quantity in canonical form.
    pub size: String,
    /// None: the default StorageClass of the cluster.
    pub storage_class: Option<String>,
}

/// The purpose of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// The load sends requests.
    Drives,
    /// A service calls a service.
    Calls,
    /// A service queries its store.
    Queries,
    /// Peers exchange items and gossip; from the component to itself.
    Peers,
    /// The new owner of a collection copies its items from a migration source.
    Migrates,
}

/// A permission to open connections from one component to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The purpose; it determines the port.
    pub kind: EdgeKind,
    /// The component that opens connections.
    pub from: ComponentName,
    /// The component that accepts connections.
    pub to: ComponentName,
}
