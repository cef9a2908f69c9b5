//! The state of all watches of one scope.

use super::{
    super::{
        super::{key::ArchitectureKey, metrics::Metrics},
        lenient::LenientArchitecture,
        queue::Queue,
    },
    WatchHealth,
};
use crate::observe::Issue;
use kube::runtime::reflector::Store;
use std::sync::{Arc, Mutex, PoisonError};

/// The watches of one scope. Architectures of the scope wait until all have completed a list, and
/// are reconciled again when a watch begins to fail for long or works again.
pub(in crate::reconcile) struct ScopeWatches {
    pub(in crate::reconcile::watch) queue: Arc<Queue>,
    pub(in crate::reconcile::watch) metrics: Arc<Metrics>,
    architectures: Store<LenientArchitecture>,
    watches: Mutex<Vec<Arc<WatchHealth>>>,
}

impl ScopeWatches {
    pub(in crate::reconcile::watch) fn new(
        queue: Arc<Queue>,
        metrics: Arc<Metrics>,
        architectures: Store<LenientArchitecture>,
    ) -> Self {
        Self { queue, metrics, architectures, watches: Mutex::default() }
    }

    pub(in crate::reconcile::watch) fn add_watch(&self, watch: Arc<WatchHealth>) {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
    }

    /// Whether every watch has completed its first list.
    pub(in crate::reconcile::watch) fn all_listed(&self) -> bool {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().all(|watch| watch.has_listed())
    }

    /// What keeps watches from delivering, each with the fix.
    pub(in crate::reconcile::watch) fn problems(&self) -> Vec<Issue> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().filter_map(|watch| watch.problem()).collect()
    }

    /// Queues every Architecture of the scope.
    pub(in crate::reconcile::watch) fn queue_all(&self) {
        for architecture in self.architectures.state() {
            let key = ArchitectureKey::from_metadata(&architecture.metadata);
            self.queue.push_urgent(key, architecture.urgency());
        }
    }
}
