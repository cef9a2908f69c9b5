//! Every watch of a scope, and what they have seen.

use super::{
    cache::{Cache, CacheFeed, WatchPosition},
    health::Health,
    key::ArchitectureKey,
    lenient::LenientArchitecture,
    queue::Queue,
    watch::{EventSink, run_watch},
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
use maquette_contract::keys::{LABEL_ARCHITECTURE, LABEL_MANAGED_BY, MANAGER};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};
use tokio::task::JoinSet;

/// Where the operator works: a namespace, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WatchScope {
    All,
    Namespace(String),
}

impl WatchScope {
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
    pub(super) architectures: Store<LenientArchitecture>,
    pub(super) architectures_position: Arc<WatchPosition>,
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
    pub(super) fn all_listed(&self) -> bool {
        self.architectures_position.listed()
            && self.child_caches().iter().all(|kind| kind.has_listed())
    }

    /// The parts of one Architecture that this version cannot read, each with the reason.
    pub(super) fn unreadable_children(&self, key: &ArchitectureKey) -> Vec<String> {
        self.child_caches().iter().flat_map(|kind| kind.unreadable_objects(key)).collect()
    }

    /// What is the same for every kind of child.
    fn child_caches(&self) -> [&dyn ChildCache; 8] {
        let Self {
            architectures: _,
            architectures_position: _,
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
trait ChildCache {
    fn has_listed(&self) -> bool;
    fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String>;
}

impl<K: Resource<DynamicType = ()>> ChildCache for Cache<K> {
    fn has_listed(&self) -> bool {
        self.progress().listed()
    }

    fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String> {
        Cache::unreadable_objects(self, key)
    }
}

/// Starts the watches of a scope.
pub(super) struct WatchSet<'a> {
    pub(super) client: &'a Client,
    pub(super) scope: &'a WatchScope,
    /// Where every Architecture is named that something happened to.
    pub(super) queue: Arc<Queue>,
    /// The tasks; none of them ends while all is well.
    pub(super) tasks: &'a mut JoinSet<()>,
    /// Where each watch shows its signs of life.
    pub(super) health: &'a Health,
}

impl WatchSet<'_> {
    /// Starts them all.
    pub(super) fn start_all(mut self) -> Caches {
        let children = Config::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGER}"));
        // Claims and pods are made by others, from our templates: this label is in all selectors.
        let labelled = Config::default().labels(LABEL_ARCHITECTURE);
        let writer = Writer::default();
        let architectures = writer.as_reader();
        let progress = Arc::<WatchPosition>::default();
        let sink = ArchitectureSink { writer, position: Arc::clone(&progress) };
        self.spawn_watch::<LenientArchitecture>("architectures", Config::default(), sink);
        Caches {
            architectures,
            architectures_position: progress,
            service_accounts: self.start_cache("serviceaccounts", &children),
            config_maps: self.start_cache("configmaps", &children),
            services: self.start_cache("services", &children),
            deployments: self.start_cache("deployments", &children),
            stateful_sets: self.start_cache("statefulsets", &children),
            pod_disruption_budgets: self.start_cache("poddisruptionbudgets", &children),
            pods: self.start_cache("pods", &labelled),
            claims: self.start_cache("persistentvolumeclaims", &labelled),
        }
    }

    fn start_cache<K>(&mut self, name: &'static str, config: &Config) -> Arc<Cache<K>>
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
        self.spawn_watch::<DeserializeGuard<K>>(name, config.clone(), CacheFeed::new(&cache));
        cache
    }

    fn spawn_watch<K>(&mut self, name: &'static str, config: Config, sink: impl EventSink<K>)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let pulse = self.health.register_watch(name);
        let api = self.scope.api::<K>(self.client);
        self.tasks.spawn(run_watch(api, config, sink, Arc::clone(&self.queue), pulse));
    }
}

/// Architectures stand in the store that the queue reads.
struct ArchitectureSink {
    writer: Writer<LenientArchitecture>,
    position: Arc<WatchPosition>,
}

impl EventSink<LenientArchitecture> for ArchitectureSink {
    fn apply_event(&mut self, event: Event<LenientArchitecture>) -> Vec<ArchitectureKey> {
        self.writer.apply_watcher_event(&event);
        self.position.record_event(&event);
        match event {
            Event::Init | Event::InitApply(_) => vec![],
            Event::InitDone => {
                let found = self.writer.as_reader().state();
                found
                    .iter()
                    .map(|object| ArchitectureKey::from_metadata(&object.metadata))
                    .collect()
            }
            Event::Apply(object) | Event::Delete(object) => {
                vec![ArchitectureKey::from_metadata(&object.metadata)]
            }
        }
    }
}
