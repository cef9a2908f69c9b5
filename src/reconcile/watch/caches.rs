//! All watches of a scope, and their caches.

use super::{
    super::{key::ArchitectureKey, metrics::Metrics},
    cache::{Cache, CacheFeed},
    health::{Health, ScopeWatches, WatchHealth},
    lenient::LenientArchitecture,
    object::{LenientObject, trim_pod},
    position::{WatchPosition, WriteFence},
    queue::{Queue, Urgency},
    scope::WatchScope,
    watcher::{EventSink, INITIAL_BACKOFF, Watch},
};
use crate::observe::Issue;
use futures::{FutureExt, future::BoxFuture};
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
    Client, Resource,
    runtime::{
        reflector::{Store, store::Writer},
        watcher::Event,
    },
};
use maquette_contract::keys::{LABEL_ARCHITECTURE, LABEL_MANAGED_BY, MANAGER};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, sync::Arc};
use tokio::task::JoinSet;

/// The caches of a scope, one for each watch.
#[derive(Clone)]
pub(in crate::reconcile) struct Caches {
    pub(in crate::reconcile) architectures: Store<LenientArchitecture>,
    architectures_position: Arc<WatchPosition>,
    watches: Arc<ScopeWatches>,
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
        self.watches.all_listed()
    }

    /// Whether the first list of Architectures is complete: until then none is reconciled.
    pub(in crate::reconcile) fn has_architectures(&self) -> bool {
        self.architectures_position.has_listed()
    }

    /// What keeps watches of the scope from delivering, each with the fix.
    pub(in crate::reconcile) fn watch_problems(&self) -> Vec<Issue> {
        self.watches.problems()
    }

    /// The fence of one of our writes of an Architecture that returned `written`.
    pub(in crate::reconcile) fn architecture_fence(&self, written: &ObjectMeta) -> WriteFence {
        WriteFence::new(&self.architectures_position, written)
    }

    /// The children of one Architecture that this version cannot read, each with the reason.
    pub(in crate::reconcile) fn unreadable_children(&self, key: &ArchitectureKey) -> Vec<String> {
        self.child_caches().iter().flat_map(|cache| cache.unreadable_objects(key)).collect()
    }

    /// Keeps what is read of one Architecture unpacked until the guard is dropped.
    pub(in crate::reconcile) fn start_use<'a>(&'a self, key: &'a ArchitectureKey) -> CacheUse<'a> {
        self.child_caches().iter().for_each(|cache| cache.set_in_use(key, true));
        CacheUse { caches: self, key }
    }

    fn child_caches(&self) -> [&dyn ChildCache; 8] {
        let Self {
            architectures: _,
            architectures_position: _,
            watches: _,
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

/// A reconcile that reads the objects of one Architecture.
pub(in crate::reconcile) struct CacheUse<'a> {
    caches: &'a Caches,
    key: &'a ArchitectureKey,
}

impl Drop for CacheUse<'_> {
    fn drop(&mut self) {
        self.caches.child_caches().iter().for_each(|cache| cache.set_in_use(self.key, false));
    }
}

/// What the caches of all types of children have in common.
trait ChildCache {
    fn set_in_use(&self, key: &ArchitectureKey, is_in_use: bool);
    fn unreadable_objects(&self, key: &ArchitectureKey) -> Vec<String>;
}

impl<K: Resource<DynamicType = ()>> ChildCache for Cache<K> {
    fn set_in_use(&self, key: &ArchitectureKey, is_in_use: bool) {
        Cache::set_in_use(self, key, is_in_use);
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
    pub(in crate::reconcile) metrics: Arc<Metrics>,
    /// Runs the watches, one task each; a task that ends is a bug.
    pub(in crate::reconcile) tasks: &'a mut JoinSet<()>,
    pub(in crate::reconcile) health: &'a Health,
}

impl WatchSet<'_> {
    /// Starts all watches and returns their caches, which are empty at first.
    pub(in crate::reconcile) fn start_all(self) -> Caches {
        // Controllers make claims and pods from our templates: they have the labels of our
        // selectors only.
        let children = format!("{LABEL_MANAGED_BY}={MANAGER}");
        let writer = Writer::default();
        let architectures = writer.as_reader();
        let position = Arc::<WatchPosition>::default();
        let sink = ArchitectureSink { writer, position: Arc::clone(&position) };
        let watches = ScopeWatches::new(self.queue, self.metrics, architectures.clone());
        let mut starter = WatchStarter {
            client: self.client,
            scope: self.scope,
            watches: Arc::new(watches),
            health: self.health,
            prepared: vec![],
        };
        starter.prepare_watch::<LenientArchitecture>("architectures", None, sink);
        let caches = Caches {
            architectures,
            architectures_position: position,
            watches: Arc::clone(&starter.watches),
            service_accounts: starter.prepare_cache("serviceaccounts", &children, keep_all),
            config_maps: starter.prepare_cache("configmaps", &children, keep_all),
            services: starter.prepare_cache("services", &children, keep_all),
            deployments: starter.prepare_cache("deployments", &children, keep_all),
            stateful_sets: starter.prepare_cache("statefulsets", &children, keep_all),
            pod_disruption_budgets: starter.prepare_cache(
                "poddisruptionbudgets",
                &children,
                keep_all,
            ),
            pods: starter.prepare_cache("pods", LABEL_ARCHITECTURE, trim_pod),
            claims: starter.prepare_cache("persistentvolumeclaims", LABEL_ARCHITECTURE, keep_all),
        };
        // Only now: the first that completes its list must know all the others.
        for watch in starter.prepared {
            self.tasks.spawn(watch);
        }
        caches
    }
}

/// Trims nothing.
fn keep_all<K>(_: &mut K) {}

/// Prepares the watches of a scope; none of them runs yet.
struct WatchStarter<'a> {
    client: &'a Client,
    scope: &'a WatchScope,
    watches: Arc<ScopeWatches>,
    health: &'a Health,
    prepared: Vec<BoxFuture<'static, ()>>,
}

impl WatchStarter<'_> {
    /// A cache of the objects that `labels` selects. `trim` removes what no reconcile reads.
    fn prepare_cache<K>(
        &mut self,
        resource: &'static str,
        labels: &str,
        trim: fn(&mut K),
    ) -> Arc<Cache<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Serialize
            + DeserializeOwned
            + Debug
            + Send
            + Sync
            + 'static,
    {
        let cache = Arc::default();
        let (labels, sink) = (Some(labels.to_owned()), CacheFeed::new(&cache, trim));
        self.prepare_watch::<LenientObject<K>>(resource, labels, sink);
        cache
    }

    fn prepare_watch<K>(
        &mut self,
        resource: &'static str,
        labels: Option<String>,
        sink: impl EventSink<K>,
    ) where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let health = Arc::new(WatchHealth::new(resource, self.scope.clone()));
        self.health.add_watch(Arc::clone(&health));
        self.watches.add_watch(Arc::clone(&health));
        let watch = Watch {
            api: self.scope.api::<K>(self.client),
            labels,
            sink,
            scope: Arc::clone(&self.watches),
            health,
            backoff: INITIAL_BACKOFF,
        };
        self.prepared.push(watch.run().boxed());
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

    fn urgency_of(&self, key: &ArchitectureKey) -> Urgency {
        let architecture = self.writer.as_reader().get(&key.object_ref());
        architecture.map_or(Urgency::Event, |architecture| architecture.urgency())
    }
}
