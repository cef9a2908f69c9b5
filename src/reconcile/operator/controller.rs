//! The controller of one watch scope: takes Architectures from the queue and reconciles them side by
//! side.

use super::super::{
    context::Context,
    error::catch_panic,
    key::ArchitectureKey,
    metrics::Metrics,
    reconciler::reconcile,
    watch::{NextTurn, Queue},
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

/// The wait after a panic outside of the steps of a reconcile, which have a back-off of their own.
const PANIC_PAUSE: Duration = Duration::from_secs(60);

/// Reconciles Architectures without end, up to `concurrency` at once. `reconciles` tracks the tasks:
/// they are aborted with this future.
pub(super) async fn run_controller(
    context: Arc<Context>,
    concurrency: u16,
    reconciles: TaskTracker,
) {
    // Until then one that is not in the cache is not deleted. It fails only if the watch ended,
    // which ends the operator.
    if context.caches.architectures.wait_until_ready().await.is_err() {
        return;
    }
    let (queue, metrics) = (Arc::clone(&context.queue), Arc::clone(&context.metrics));
    let runner = TurnRunner { queue, metrics, concurrency, tracker: reconciles };
    let turn = |key: Arc<ArchitectureKey>| {
        let context = Arc::clone(&context);
        async move { reconcile(&key, &context).await }
    };
    runner.run(turn).await;
}

/// Runs the turns of a queue.
struct TurnRunner {
    queue: Arc<Queue>,
    metrics: Arc<Metrics>,
    /// How many turns run at once.
    concurrency: u16,
    tracker: TaskTracker,
}

impl TurnRunner {
    /// Runs `turn` for each Architecture that is due, each in a task of its own, so that they use
    /// all processors. A panic costs one turn.
    async fn run<F>(self, turn: impl Fn(Arc<ArchitectureKey>) -> F)
    where
        F: Future<Output = NextTurn> + Send + 'static,
    {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                key = self.queue.start_next(), if running.len() < self.concurrency.into() => {
                    let (queue, metrics) = (Arc::clone(&self.queue), Arc::clone(&self.metrics));
                    let turn = turn(Arc::clone(&key));
                    running.spawn(self.tracker.track_future(async move {
                        let next = catch_panic(turn).await.unwrap_or_else(|message| {
                            metrics.count_panic();
                            tracing::error!(architecture = %key, message, "a reconcile panicked");
                            NextTurn::After(PANIC_PAUSE)
                        });
                        queue.end(&key, next);
                    }));
                }
                Some(_) = running.join_next() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, StreamExt, channel::mpsc::unbounded, future::BoxFuture};
    use tokio::{task::JoinHandle, time::timeout};

    fn key(name: &str) -> ArchitectureKey {
        ArchitectureKey { namespace: "default".to_owned(), name: name.to_owned() }
    }

    fn start_runner(
        queue: &Arc<Queue>,
        concurrency: u16,
        turn: impl Fn(Arc<ArchitectureKey>) -> BoxFuture<'static, NextTurn> + Send + 'static,
    ) -> (TaskTracker, JoinHandle<()>) {
        let (tracker, metrics) = (TaskTracker::new(), Arc::new(Metrics::new()));
        let runner =
            TurnRunner { queue: Arc::clone(queue), metrics, concurrency, tracker: tracker.clone() };
        (tracker, tokio::spawn(runner.run(turn)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_or_a_silent_api_server_holds_back_no_other() {
        let queue = Queue::new(Arc::new(Metrics::new()));
        let (ran, mut order) = unbounded();
        let (_tracker, _runner) = start_runner(&queue, 2, move |key| {
            ran.unbounded_send(key.name.clone()).expect("the test listens");
            match key.name.as_str() {
                "panics" => async { panic!("a bug") }.boxed(),
                "silent" => std::future::pending().boxed(),
                _ => async { NextTurn::OnEvent }.boxed(),
            }
        });
        for name in ["silent", "panics", "a", "silent", "b"] {
            queue.push(key(name));
        }
        for expected in ["silent", "panics", "a", "b"] {
            assert_eq!(order.next().await.as_deref(), Some(expected));
        }
        // The one that panicked is tried again; the one that runs is not started twice.
        let again = timeout(PANIC_PAUSE * 2, order.next()).await.expect("another turn");
        assert_eq!(again.as_deref(), Some("panics"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_turns_run_at_once_than_allowed_and_none_after_the_end() {
        let queue = Queue::new(Arc::new(Metrics::new()));
        let (tracker, runner) =
            start_runner(&queue, 3, |_| std::future::pending::<NextTurn>().boxed());
        for number in 0..10 {
            queue.push(key(&format!("a{number}")));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(tracker.len(), 3);
        runner.abort();
        tracker.close();
        timeout(Duration::from_secs(1), tracker.wait()).await.expect("all turns are aborted");
    }
}
