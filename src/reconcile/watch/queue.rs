//! The Architectures that wait for a reconcile, each once.

use super::super::{key::ArchitectureKey, metrics::Metrics};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A queue in which nothing starts for longer is stuck.
const MAX_STANDSTILL: Duration = Duration::from_secs(300);

/// The Architectures in the queue.
struct Waiting {
    keys: HashSet<ArchitectureKey>,
    /// When a reconcile last started, or the queue was last empty.
    moved_at: Instant,
}

/// The sending side of the queue.
pub(in crate::reconcile) struct Queue {
    sender: UnboundedSender<ArchitectureKey>,
    waiting: Mutex<Waiting>,
    metrics: Arc<Metrics>,
}

/// A queue and its receiving side.
pub(in crate::reconcile) fn new_queue(
    metrics: Arc<Metrics>,
) -> (Arc<Queue>, UnboundedReceiver<ArchitectureKey>) {
    let (sender, receiver) = unbounded();
    let waiting = Waiting { keys: HashSet::new(), moved_at: Instant::now() };
    (Arc::new(Queue { sender, waiting: Mutex::new(waiting), metrics }), receiver)
}

impl Queue {
    /// Requests a reconcile, unless one is waiting already.
    pub(in crate::reconcile) fn push(&self, key: ArchitectureKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.keys.is_empty() {
            waiting.moved_at = Instant::now();
        }
        if waiting.keys.insert(key.clone()) {
            self.metrics.record_queue_add();
            // It fails only if the receiver is dropped, that is when the operator ends.
            let _ = self.sender.unbounded_send(key);
        }
    }

    /// The reconcile begins: a later event requests another one.
    pub(in crate::reconcile) fn mark_started(&self, key: &ArchitectureKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.moved_at = Instant::now();
        if waiting.keys.remove(key) {
            self.metrics.record_queue_removal();
        }
    }

    /// Whether Architectures wait and no reconcile has started for [`MAX_STANDSTILL`].
    pub(in crate::reconcile) fn is_stuck(&self) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        !waiting.keys.is_empty() && waiting.moved_at.elapsed() > MAX_STANDSTILL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(namespace: &str, name: &str) -> ArchitectureKey {
        ArchitectureKey { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn assert_depth(metrics: &Metrics, depth: u32) {
        let line = format!("workqueue_depth{{name=\"architecture\"}} {depth}");
        let text = metrics.encode_text().unwrap();
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }

    #[test]
    fn the_depth_is_the_sum_of_all_queues() {
        let metrics = Arc::new(Metrics::new());
        let (one, _one_receiver) = new_queue(metrics.clone());
        let (other, _other_receiver) = new_queue(metrics.clone());
        for name in ["a", "b", "b"] {
            one.push(key("one", name));
        }
        other.push(key("other", "a"));
        assert_depth(&metrics, 3);
        one.mark_started(&key("one", "a"));
        assert_depth(&metrics, 2);
    }
}
