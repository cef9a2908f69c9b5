//! The one graph that everything after `plan` works on: components with a role, and the edges that
//! follow from them. Nothing here knows what a shape is.

use crate::api::{PodSettings, Retention};
use k8s_openapi::api::core::v1::ResourceRequirements;
use maquette_contract::{
    ArchitectureName, CallMode, Collection, CollectionSet, ComponentName, Percent, RequestWork,
    Role, Routes, SourceBackend,
};
use std::collections::BTreeMap;

/// Which Architecture this is the model of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `metadata.name`.
    pub name: ArchitectureName,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`; the owner of every object. Empty where there is no cluster.
    pub uid: String,
}

impl Identity {
    /// The host name of the Service `service` of this Architecture's namespace.
    pub fn service_host(&self, service: &str) -> String {
        format!("{service}.{}.svc", self.namespace)
    }
}

/// A planned model: what is to run. Only `plan` makes one and only `evolve` derives others, so that
/// whatever is rendered was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    pub(crate) identity: Identity,
    pub(crate) entry: ComponentName,
    pub(crate) components: BTreeMap<ComponentName, Component>,
    pub(crate) pods: PodSettings,
    pub(crate) retention: Retention,
}

impl Topology {
    /// Which Architecture this is the model of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The component behind the entry Service.
    pub fn entry(&self) -> &ComponentName {
        &self.entry
    }

    /// The components, by name.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    /// The component of this name.
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.get(name)
    }

    /// What every pod gets.
    pub fn pods(&self) -> &PodSettings {
        &self.pods
    }

    /// What becomes of volumes.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// Every edge, in the order of its components.
    pub fn edges(&self) -> Vec<Edge> {
        self.components().flat_map(Component::edges).collect()
    }
}

/// A component of the graph: a Deployment or StatefulSet and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Unique in the Architecture.
    pub name: ComponentName,
    /// How many pods.
    pub replicas: u32,
    /// What each pod asks for and may use.
    pub resources: ResourceRequirements,
    /// What it does.
    pub behavior: Behavior,
}

impl Component {
    /// The component's role.
    pub fn role(&self) -> Role {
        match self.behavior {
            Behavior::Service(_) => Role::Service,
            Behavior::Store(_) => Role::Store,
            Behavior::Peer(_) => Role::Peer,
            Behavior::Load(_) => Role::Load,
        }
    }

    /// The edges that begin at this component.
    pub fn edges(&self) -> Vec<Edge> {
        let edge =
            |kind, to: &ComponentName| Edge { kind, from: self.name.clone(), to: to.clone() };
        match &self.behavior {
            Behavior::Service(service) => {
                let calls = service.calls.iter().map(|call| edge(EdgeKind::Calls, &call.to));
                let queries = service.store.iter().map(|store| edge(EdgeKind::Queries, store));
                let origins = service
                    .migration_sources
                    .iter()
                    .map(|from| edge(EdgeKind::Migrates, &from.component));
                calls.chain(queries).chain(origins).collect()
            }
            Behavior::Store(_) => vec![],
            Behavior::Peer(peer) => {
                let origins = peer
                    .migration_sources
                    .iter()
                    .map(|from| edge(EdgeKind::Migrates, &from.component));
                let forwards = peer.successor.iter().map(|to| edge(EdgeKind::Calls, to));
                [edge(EdgeKind::Peers, &self.name)]
                    .into_iter()
                    .chain(origins)
                    .chain(forwards)
                    .collect()
            }
            Behavior::Load(load) => {
                load.drives.iter().map(|to| edge(EdgeKind::Drives, to)).collect()
            }
        }
    }
}

/// What a component does, by role.
#[derive(Clone, Debug, PartialEq)]
pub enum Behavior {
    /// Answers requests.
    Service(ServiceBehavior),
    /// Keeps items for services.
    Store(StoreBehavior),
    /// Keeps its share of the items and answers requests.
    Peer(PeerBehavior),
    /// Plays the end users.
    Load(LoadBehavior),
}

/// The task of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceBehavior {
    /// The work of a request.
    pub work: RequestWork,
    /// How a summary calls the components below.
    pub mode: CallMode,
    /// The components that it calls.
    pub calls: Vec<PlannedCall>,
    /// The store that it queries.
    pub store: Option<ComponentName>,
    /// Where a request for each collection goes.
    pub routes: Routes,
    /// Where items still are that it takes over.
    pub migration_sources: Vec<PlannedSource>,
}

/// An old home of items that a component takes over. Only `evolve` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSource {
    /// The store or the peers that hold the items.
    pub component: ComponentName,
    /// Which of the two.
    pub backend: SourceBackend,
    /// The collections whose items come from there.
    pub collections: CollectionSet,
    /// Whether everybody else who wrote there has stopped.
    pub final_pass: bool,
}

/// A call that a service makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCall {
    /// The component called.
    pub to: ComponentName,
    /// How often a summary makes the call.
    pub probability_percent: Percent,
}

/// The task of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreBehavior {
    /// Its volume.
    pub storage: Volume,
}

/// The task of the peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerBehavior {
    /// The work of a request.
    pub work: RequestWork,
    /// How many peers hold each item.
    pub replication_factor: u32,
    /// How many of the pods hold items: fewer than run while some hand over before they leave.
    pub members: u32,
    /// The volume of each.
    pub storage: Volume,
    /// Where items still are that the peers take over.
    pub migration_sources: Vec<PlannedSource>,
    /// Who answers users instead, once the peers are on their way out.
    pub successor: Option<ComponentName>,
}

/// The task of the end users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBehavior {
    /// The components that they send requests to.
    pub drives: Vec<ComponentName>,
    /// Requests begun in each second.
    pub requests_per_second: u32,
    /// How many of them write.
    pub write_percent: Percent,
    /// How many of them ask for the summary.
    pub summary_percent: Percent,
    /// How many different items there are.
    pub items: u32,
    /// The collections of those items.
    pub collections: Vec<Collection>,
}

/// The volume of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// A Kubernetes quantity, in its canonical form.
    pub size: String,
    /// The StorageClass; none: the cluster's default.
    pub storage_class: Option<String>,
}

/// What an edge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// End users send requests.
    Drives,
    /// A service asks another.
    Calls,
    /// A service asks its store.
    Queries,
    /// Peers ask each other; from the component to itself.
    Peers,
    /// A new owner of items asks the old home of them.
    Migrates,
}

/// Who may talk to whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// What for.
    pub kind: EdgeKind,
    /// Who begins.
    pub from: ComponentName,
    /// Who answers.
    pub to: ComponentName,
}
