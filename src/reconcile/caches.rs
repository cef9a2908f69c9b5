//! Every watch of a scope, and what they have seen.

use super::{
    cache::{Cache, Feed, Progress},
    found::Found,
    health::Health,
    key::ArchitectureKey,
    queue::Queue,
    watch::{Sink, watch},
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service, ServiceAccount},
        policy::v1::PodDisruptionBudget,
    },
};
use kube::{
    Api, Client, Resource,
    core::DeserializeGuard,
    runtime::{
        reflector::{Store, store::Writer},
        watcher::{Config, Event},
    },
};
use maquette_contract::keys::{MANAGER, LABEL_ARCHITECTURE, LABEL_MANAGED_BY};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};
use tokio::task::JoinSet;

/// Where the operator works: a namespace, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Namespace(String),
}

impl Scope {
    fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }
}

/// What the watches of a scope have seen.
#[derive(Clone)]
pub(super) struct Caches {
    pub(super) architectures: Store<Found>,
    pub(super) architectures_progress: Arc<Progress>,
    pub(super) service_accounts: Arc<Cache<ServiceAccount>>,
    pub(super) config_maps: Arc<Cache<ConfigMap>>,
    pub(super) services: Arc<Cache<Service>>,
    pub(super) deployments: Arc<Cache<Deployment>>,
    pub(super) stateful_sets: Arc<Cache<StatefulSet>>,
    pub(super) pod_disruption_budgets: Arc<Cache<PodDisruptionBudget>>,
    pub(super) pods: Arc<Cache<Pod>>,
    pub(super) claims: Arc<Cache<PersistentVolumeClaim>>,
}

impl Caches {
    /// Whether every watch has completed its first list.
    pub(super) fn listed(&self) -> bool {
        self.architectures_progress.listed() && self.children().iter().all(|kind| kind.listed())
    }

    /// The parts of one Architecture that this version cannot read, each with the reason.
    pub(super) fn unreadable(&self, key: &ArchitectureKey) -> Vec<String> {
        self.children().iter().flat_map(|kind| kind.unreadable(key)).collect()
    }

    /// What is the same for every kind of child.
    fn children(&self) -> [&dyn Kind; 8] {
        let Self {
            architectures: _,
            architectures_progress: _,
            service_accounts,
            config_maps,
            services,
            deployments,
            stateful_sets,
            pod_disruption_budgets,
            pods,
            claims,
        } = self;
        [
            &**service_accounts,
            &**config_maps,
            &**services,
            &**deployments,
            &**stateful_sets,
            &**pod_disruption_budgets,
            &**pods,
            &**claims,
        ]
    }
}

/// The cache of some kind of object.
trait Kind {
    fn listed(&self) -> bool;
    fn unreadable(&self, key: &ArchitectureKey) -> Vec<String>;
}

impl<K: Resource<DynamicType = ()>> Kind for Cache<K> {
    fn listed(&self) -> bool {
        self.progress().listed()
    }

    fn unreadable(&self, key: &ArchitectureKey) -> Vec<String> {
        Cache::unreadable(self, key)
    }
}

/// Starts the watches of a scope.
pub(super) struct Watches<'a> {
    pub(super) client: &'a Client,
    pub(super) scope: &'a Scope,
    /// Where every Architecture is named that something happened to.
    pub(super) queue: Arc<Queue>,
    /// The tasks; none of them ends while all is well.
    pub(super) tasks: &'a mut JoinSet<()>,
    /// Where each watch shows its signs of life.
    pub(super) health: &'a Health,
}

impl Watches<'_> {
    /// Starts them all.
    pub(super) fn start(mut self) -> Caches {
        let children = Config::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGER}"));
        // Claims and pods are made by others, from our templates: this label is in all selectors.
        let labelled = Config::default().labels(LABEL_ARCHITECTURE);
        let writer = Writer::default();
        let architectures = writer.as_reader();
        let progress = Arc::<Progress>::default();
        let sink = Architectures { writer, progress: Arc::clone(&progress) };
        self.spawn::<Found>("architectures", Config::default(), sink);
        Caches {
            architectures,
            architectures_progress: progress,
            service_accounts: self.cache("serviceaccounts", &children),
            config_maps: self.cache("configmaps", &children),
            services: self.cache("services", &children),
            deployments: self.cache("deployments", &children),
            stateful_sets: self.cache("statefulsets", &children),
            pod_disruption_budgets: self.cache("poddisruptionbudgets", &children),
            pods: self.cache("pods", &labelled),
            claims: self.cache("persistentvolumeclaims", &labelled),
        }
    }

    fn cache<K>(&mut self, name: &'static str, config: &Config) -> Arc<Cache<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + Sync
            + 'static,
    {
        let cache = Arc::default();
        self.spawn::<DeserializeGuard<K>>(name, config.clone(), Feed::new(&cache));
        cache
    }

    fn spawn<K>(&mut self, name: &'static str, config: Config, sink: impl Sink<K>)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let pulse = self.health.pulse(name);
        let api = self.scope.api::<K>(self.client);
        self.tasks.spawn(watch(api, config, sink, Arc::clone(&self.queue), pulse));
    }
}

/// Architectures stand in the store that the queue reads.
struct Architectures {
    writer: Writer<Found>,
    progress: Arc<Progress>,
}

impl Sink<Found> for Architectures {
    fn take(&mut self, event: Event<Found>) -> Vec<ArchitectureKey> {
        self.writer.apply_watcher_event(&event);
        self.progress.note(&event);
        match event {
            Event::Init | Event::InitApply(_) => vec![],
            Event::InitDone => {
                let found = self.writer.as_reader().state();
                found.iter().map(|object| ArchitectureKey::of(&object.metadata)).collect()
            }
            Event::Apply(object) | Event::Delete(object) => {
                vec![ArchitectureKey::of(&object.metadata)]
            }
        }
    }
}
