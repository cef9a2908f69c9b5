//! The Architectures that wait for a reconcile, each once.

use super::super::{key::ArchitectureKey, metrics::Metrics};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The sending side of the queue.
pub(in crate::reconcile) struct Queue {
    sender: UnboundedSender<ArchitectureKey>,
    waiting: Mutex<HashSet<ArchitectureKey>>,
    metrics: Arc<Metrics>,
}

/// A queue and its receiving side.
pub(in crate::reconcile) fn new_queue(
    metrics: Arc<Metrics>,
) -> (Arc<Queue>, UnboundedReceiver<ArchitectureKey>) {
    let (sender, receiver) = unbounded();
    (Arc::new(Queue { sender, waiting: Mutex::default(), metrics }), receiver)
}

impl Queue {
    /// Requests a reconcile, unless one is waiting already.
    pub(in crate::reconcile) fn push(&self, key: ArchitectureKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = waiting.insert(key.clone());
        self.metrics.record_queue_depth(waiting.len(), is_new);
        if is_new {
            // It fails only if the receiver is dropped, that is when the operator ends.
            let _ = self.sender.unbounded_send(key);
        }
    }

    /// The reconcile begins: a later event requests another one.
    pub(in crate::reconcile) fn mark_started(&self, key: &ArchitectureKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(key);
        self.metrics.record_queue_depth(waiting.len(), false);
    }
}
