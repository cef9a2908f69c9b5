//! All watches of a scope, and their caches.

use super::{
    super::key::ArchitectureKey,
    cache::{Cache, CacheFeed},
    health::Health,
    lenient::LenientArchitecture,
    position::{WatchPosition, WriteFence},
    queue::Queue,
    watcher::{EventSink, run_watch},
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service, ServiceAccount},
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
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

/// The namespaces that one set of watches covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum WatchScope {
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

/// The caches of a scope, one for each watch.
#[derive(Clone)]
pub(in crate::reconcile) struct Caches {
    pub(in crate::reconcile) architectures: Store<LenientArchitecture>,
    architectures_position: Arc<WatchPosition>,
    pub(in crate::reconcile) service_accounts: Arc<Cache<ServiceAccount>>,
    pub(in crate::reconcile) config_maps: Arc<Cache<ConfigMap>>,
    pub(in crate::reconcile) services: Arc<Cache<Service>>,
    pub(in crate::reconcile) deployments: Arc<Cache<Deployment>>,
    pub(in crate::reconcile) stateful_sets: Arc<Cache<StatefulSet>>,
    pub(in crate::reconcile) pod_disruption_budgets: Arc<Cache<PodDisruptionBudget>>,
    pub(in crate::reconcile) pods: Arc<Cache<Pod>>,
    pub(in crate::reconcile) claims: Arc<Cache<PersistentVolumeClaim>>,
}

impl Caches {
    /// Whether every watch has completed its first list.
    pub(in crate::reconcile) fn all_listed(&self) -> bool {
        self.architectures_position.has_listed()
            && self.child_caches().iter().all(|cache| cache.has_listed())
    }

    /// The fence of one of our writes of an Architecture that returned `written`.
    pub(in crate::reconcile) fn architecture_fence(&self, written: &ObjectMeta) -> WriteFence {
        WriteFence::new(&self.architectures_position, written)
    }

    /// The children of one Architecture that this version cannot read, each with the reason.
    pub(in crate::reconcile) fn unreadable_children(&self, key: &ArchitectureKey) -> Vec<String> {
        self.child_caches().iter().flat_map(|cache| cache.unreadable_objects(key)).collect()
    }

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

/// What the caches of all types of children have in common.
trait ChildCache {
    fn has_listed(&self) -> bool;
    fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String>;
}

impl<K: Resource<DynamicType = ()>> ChildCache for Cache<K> {
    fn has_listed(&self) -> bool {
        Cache::has_listed(self)
    }

    fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String> {
        Cache::unreadable_objects(self, key)
    }
}

/// Starts the watches of a scope.
pub(in crate::reconcile) struct WatchSet<'a> {
    pub(in crate::reconcile) client: &'a Client,
    pub(in crate::reconcile) scope: &'a WatchScope,
    /// Receives the Architectures that events concern.
    pub(in crate::reconcile) queue: Arc<Queue>,
    /// Runs the watches, one task each; a task that ends is a bug.
    pub(in crate::reconcile) tasks: &'a mut JoinSet<()>,
    pub(in crate::reconcile) health: &'a Health,
}

impl WatchSet<'_> {
    /// Starts all watches and returns their caches, which are empty at first.
    pub(in crate::reconcile) fn start_all(mut self) -> Caches {
        let children = Config::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGER}"));
        // Controllers make claims and pods from our templates: they have the labels of our
        // selectors only.
        let selected = Config::default().labels(LABEL_ARCHITECTURE);
        let writer = Writer::default();
        let architectures = writer.as_reader();
        let position = Arc::<WatchPosition>::default();
        let sink = ArchitectureSink { writer, position: Arc::clone(&position) };
        self.spawn_watch::<LenientArchitecture>("architectures", Config::default(), sink);
        Caches {
            architectures,
            architectures_position: position,
            service_accounts: self.start_cache("serviceaccounts", &children),
            config_maps: self.start_cache("configmaps", &children),
            services: self.start_cache("services", &children),
            deployments: self.start_cache("deployments", &children),
            stateful_sets: self.start_cache("statefulsets", &children),
            pod_disruption_budgets: self.start_cache("poddisruptionbudgets", &children),
            pods: self.start_cache("pods", &selected),
            claims: self.start_cache("persistentvolumeclaims", &selected),
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
        let health = self.health.register_watch(name);
        let api = self.scope.api::<K>(self.client);
        self.tasks.spawn(run_watch(api, config, sink, Arc::clone(&self.queue), health));
    }
}

/// Feeds the store of Architectures, which the controller reads.
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
                let architectures = self.writer.as_reader().state();
                architectures
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
