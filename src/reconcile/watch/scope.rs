//! The namespaces that one set of watches covers, and the state of these watches.

use super::{
    super::{key::ArchitectureKey, metrics::Metrics},
    health::WatchHealth,
    lenient::LenientArchitecture,
    queue::Queue,
};
use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource, runtime::reflector::Store};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The namespaces that one set of watches covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum WatchScope {
    All,
    Namespace(String),
}

impl WatchScope {
    pub(super) fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }

    /// The scope as a metric label; `*` stands for all namespaces.
    pub(in crate::reconcile) fn label(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Namespace(namespace) => namespace,
        }
    }

    /// What grants the permissions in this scope.
    pub(super) fn role_to_apply(&self) -> &'static str {
        match self {
            Self::All => {
                "apply the ClusterRole and ClusterRoleBinding of the chart or of \
                 manifests/install.yaml"
            }
            Self::Namespace(_) => "apply the RoleBinding of the chart in that namespace",
        }
    }
}

impl fmt::Display for WatchScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all namespaces"),
            Self::Namespace(namespace) => write!(f, "namespace {namespace}"),
        }
    }
}

/// The watches of one scope. Architectures of the scope wait until all have completed a list, and
/// are reconciled again when a watch begins to fail for long or works again.
pub(in crate::reconcile) struct ScopeWatches {
    pub(super) queue: Arc<Queue>,
    pub(super) metrics: Arc<Metrics>,
    architectures: Store<LenientArchitecture>,
    watches: Mutex<Vec<Arc<WatchHealth>>>,
}

impl ScopeWatches {
    pub(super) fn new(
        queue: Arc<Queue>,
        metrics: Arc<Metrics>,
        architectures: Store<LenientArchitecture>,
    ) -> Self {
        Self { queue, metrics, architectures, watches: Mutex::default() }
    }

    pub(super) fn add_watch(&self, watch: Arc<WatchHealth>) {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
    }

    /// Whether every watch has completed its first list.
    pub(super) fn all_listed(&self) -> bool {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().all(|watch| watch.has_listed())
    }

    /// What keeps watches from delivering, one line each, with the fix.
    pub(super) fn problems(&self) -> Vec<String> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().filter_map(|watch| watch.problem()).collect()
    }

    /// Queues every Architecture of the scope.
    pub(super) fn queue_all(&self) {
        for architecture in self.architectures.state() {
            self.queue.push(ArchitectureKey::from_metadata(&architecture.metadata));
        }
    }
}
