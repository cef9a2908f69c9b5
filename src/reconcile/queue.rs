//! The Architectures that something happened to and that wait for their reconcile, each once.

use super::{key::ArchitectureKey, metrics::Metrics};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Where every Architecture is named that something happened to.
pub(super) struct Queue {
    sender: UnboundedSender<ArchitectureKey>,
    waiting: Mutex<HashSet<ArchitectureKey>>,
    metrics: Arc<Metrics>,
}

/// A queue, and what comes out of it.
pub(super) fn new_queue(metrics: Arc<Metrics>) -> (Arc<Queue>, UnboundedReceiver<ArchitectureKey>) {
    let (sender, receiver) = unbounded();
    (Arc::new(Queue { sender, waiting: Mutex::default(), metrics }), receiver)
}

impl Queue {
    /// Asks for a reconcile; one that waits already will do.
    pub(super) fn push(&self, key: ArchitectureKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let added = waiting.insert(key.clone());
        self.metrics.record_queue_depth(waiting.len(), added);
        if added {
            // It fails only when the operator ends.
            let _ = self.sender.unbounded_send(key);
        }
    }

    /// Says that the reconcile begins: what happens from now on asks for another.
    pub(super) fn mark_started(&self, key: &ArchitectureKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(key);
        self.metrics.record_queue_depth(waiting.len(), false);
    }
}
