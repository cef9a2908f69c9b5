//! Whether the operator is healthy: every task makes progress. A watch that fails and is retried is
//! not a reason to restart the operator; a task that stands still is.

mod failure;
mod scope_watches;

pub(super) use failure::{WatchError, WatchFailure, WatchVerb};
pub(in crate::reconcile) use scope_watches::ScopeWatches;

use super::scope::WatchScope;
use crate::observe::Issue;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A task that makes no progress for longer is stuck. No step of a watch takes a third of it.
const MAX_STANDSTILL: Duration = Duration::from_secs(300);
/// A first list that is refused for longer is reported; until then a role may just be missing for a
/// moment, as when the API server starts.
const FIRST_LIST_GRACE: Duration = Duration::from_secs(10);
/// A watch that worked and is refused for longer is reported.
const WATCH_GRACE: Duration = Duration::from_secs(30);
/// How often a failure that does not change is logged.
const LOG_INTERVAL: Duration = Duration::from_secs(300);

/// The health of all tasks that must make progress.
#[derive(Default)]
pub(in crate::reconcile) struct Health {
    watches: Mutex<Vec<Arc<WatchHealth>>>,
    stall_checks: Mutex<Vec<StallCheck>>,
}

/// Describes a task that stands still; none if it makes progress.
type StallCheck = Box<dyn Fn() -> Option<String> + Send + Sync>;

impl Health {
    pub(super) fn add_watch(&self, watch: Arc<WatchHealth>) {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
    }

    /// The operator is alive only while `find_stall` returns none too.
    pub(in crate::reconcile) fn add_stall_check(
        &self,
        find_stall: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) {
        let mut checks = self.stall_checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Box::new(find_stall));
    }

    /// The tasks that made no progress for [`MAX_STANDSTILL`].
    pub(in crate::reconcile) fn stuck_tasks(&self) -> Vec<String> {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = watches.iter().filter(|watch| watch.is_stuck());
        let stuck = stuck.map(|watch| format!("the watch of {}", watch.resource));
        let checks = self.stall_checks.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.chain(checks.iter().filter_map(|find_stall| find_stall())).collect()
    }

    /// Whether each watch has completed its first list or is known to fail, and one at least has
    /// completed it. A replica that waits for the lease has no watches and is ready.
    pub(in crate::reconcile) fn is_ready(&self) -> bool {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().all(|watch| watch.has_listed() || watch.is_failing())
            && (watches.is_empty() || watches.iter().any(|watch| watch.has_listed()))
    }
}

/// The health of one watch.
#[derive(Debug)]
pub(in crate::reconcile) struct WatchHealth {
    pub(super) resource: &'static str,
    pub(super) scope: WatchScope,
    state: Mutex<WatchState>,
}

#[derive(Debug)]
struct WatchState {
    has_listed: bool,
    failing: Option<FailureRun>,
    progressed_at: Instant,
}

/// Failures of a watch without a success between.
#[derive(Debug)]
struct FailureRun {
    last: WatchFailure,
    attempts: u32,
    /// Since when the API server answers with failures; none if the last attempt got no answer.
    refused_since: Option<Instant>,
    logged_at: Instant,
    /// The status of Architectures names it.
    is_reported: bool,
}

/// What the caller does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FailureRecord {
    /// The failure is new, or was last logged long ago.
    pub(super) must_log: bool,
    /// From now on the status of Architectures names it.
    pub(super) must_report: bool,
    pub(super) attempts: u32,
}

/// What a success ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recovery {
    pub(super) was_failing: bool,
    /// The status of Architectures names the failure.
    pub(super) was_reported: bool,
}

impl WatchHealth {
    pub(super) fn new(resource: &'static str, scope: WatchScope) -> Self {
        let state = WatchState { has_listed: false, failing: None, progressed_at: Instant::now() };
        Self { resource, scope, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, WatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the first list is complete.
    pub(super) fn has_listed(&self) -> bool {
        self.state().has_listed
    }

    pub(super) fn is_failing(&self) -> bool {
        self.state().failing.is_some()
    }

    /// The task is about to take its next step.
    pub(super) fn record_step(&self) {
        self.state().progressed_at = Instant::now();
    }

    /// A list is complete.
    pub(super) fn record_list(&self) {
        self.state().has_listed = true;
    }

    /// The watch delivers.
    pub(super) fn record_success(&self) -> Recovery {
        let mut state = self.state();
        state.progressed_at = Instant::now();
        let ended = state.failing.take();
        let was_reported = ended.as_ref().is_some_and(|run| run.is_reported);
        Recovery { was_failing: ended.is_some(), was_reported }
    }

    /// The watch failed and will be tried again.
    pub(super) fn record_failure(&self, failure: WatchFailure) -> FailureRecord {
        let now = Instant::now();
        let mut state = self.state();
        state.progressed_at = now;
        let grace = if state.has_listed { WATCH_GRACE } else { FIRST_LIST_GRACE };
        let before = state.failing.take();
        let run = FailureRun::after(before.as_ref(), failure, now, grace);
        let record = FailureRecord {
            must_log: run.logged_at == now,
            must_report: run.is_reported && !before.is_some_and(|before| before.is_reported),
            attempts: run.attempts,
        };
        state.failing = Some(run);
        record
    }

    /// Why the watch does not deliver, with the fix, once it was refused for long enough. That the
    /// API server does not answer is by itself no problem of the watch.
    pub(super) fn problem(&self) -> Option<Issue> {
        let state = self.state();
        let run = state.failing.as_ref().filter(|run| run.is_reported)?;
        Some(run.last.to_issue(self.resource, &self.scope))
    }

    fn is_stuck(&self) -> bool {
        self.state().progressed_at.elapsed() > MAX_STANDSTILL
    }
}

impl FailureRun {
    /// The failures in a row so far and one more, at `now`; they are reported once the API server
    /// has refused for as long as `grace`, and from then on until a success, which queues reconciles.
    fn after(before: Option<&Self>, failure: WatchFailure, now: Instant, grace: Duration) -> Self {
        let is_refused = failure.code.is_some();
        let was_reported = before.is_some_and(|run| run.is_reported);
        let refused_since = before.and_then(|run| run.refused_since).unwrap_or(now);
        let logged_at = before
            .filter(|run| run.last == failure && now - run.logged_at < LOG_INTERVAL)
            .map_or(now, |run| run.logged_at);
        Self {
            last: failure,
            attempts: before.map_or(0, |run| run.attempts).saturating_add(1),
            refused_since: is_refused.then_some(refused_since),
            logged_at,
            is_reported: was_reported || (is_refused && now - refused_since >= grace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn watch() -> Arc<WatchHealth> {
        Arc::new(WatchHealth::new("pods", WatchScope::All))
    }

    fn failure(code: Option<u16>) -> WatchFailure {
        WatchFailure { verb: WatchVerb::List, code, cause: "so it is".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_task_that_stands_still_is_stuck() {
        let (health, watch) = (Health::default(), watch());
        health.add_watch(Arc::clone(&watch));
        for _ in 0..100 {
            watch.record_failure(failure(None));
            advance(Duration::from_secs(30)).await;
            assert_eq!(health.stuck_tasks(), [""; 0], "a failing watch is retried");
        }
        advance(MAX_STANDSTILL).await;
        assert_eq!(health.stuck_tasks(), ["the watch of pods"]);
        watch.record_step();
        health.add_stall_check(|| Some("another".to_owned()));
        assert_eq!(health.stuck_tasks(), ["another"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_a_problem_after_a_grace_and_until_it_works() {
        let watch = watch();
        assert!(!watch.record_failure(failure(Some(403))).must_report);
        advance(FIRST_LIST_GRACE).await;
        assert_eq!(watch.problem(), None);
        assert!(watch.record_failure(failure(Some(403))).must_report);
        assert!(
            watch.problem().is_some_and(|problem| problem.message.contains("may not list pods"))
        );
        assert!(!watch.record_failure(failure(Some(403))).must_report, "it is already");
        watch.record_list();
        assert_eq!(watch.record_success(), Recovery { was_failing: true, was_reported: true });
        assert_eq!(watch.problem(), None);
        watch.record_failure(failure(Some(403)));
        advance(FIRST_LIST_GRACE).await;
        watch.record_failure(failure(Some(403)));
        assert_eq!(watch.problem(), None, "what was listed stays known for a while");
        advance(WATCH_GRACE).await;
        assert!(watch.record_failure(failure(Some(403))).must_report);
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_is_away_is_not_a_problem_of_the_watch() {
        let watch = watch();
        for _ in 0..10 {
            watch.record_failure(failure(None));
            advance(FIRST_LIST_GRACE).await;
        }
        assert_eq!(watch.problem(), None);
        watch.record_failure(failure(Some(503)));
        assert_eq!(watch.problem(), None, "it is just starting");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reported_problem_stays_reported_until_a_success() {
        let watch = watch();
        watch.record_failure(failure(Some(403)));
        advance(FIRST_LIST_GRACE).await;
        assert!(watch.record_failure(failure(Some(403))).must_report);
        assert!(!watch.record_failure(failure(None)).must_report);
        assert!(watch.problem().is_some());
        assert_eq!(watch.record_success(), Recovery { was_failing: true, was_reported: true });
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_logged_when_it_changes_and_then_every_5_min() {
        let watch = watch();
        let mut logged = 0;
        for _ in 0..40 {
            logged += u32::from(watch.record_failure(failure(Some(403))).must_log);
            advance(Duration::from_secs(30)).await;
        }
        assert_eq!(logged, 4, "within 20 min");
        assert!(watch.record_failure(failure(Some(500))).must_log, "another failure");
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_fails_does_not_hold_back_the_others() {
        let health = Health::default();
        assert!(health.is_ready(), "it waits for the lease");
        let watches = [watch(), watch()];
        watches.iter().for_each(|watch| health.add_watch(Arc::clone(watch)));
        assert!(!health.is_ready());
        watches[0].record_failure(failure(Some(403)));
        assert!(!health.is_ready());
        watches[1].record_list();
        assert!(health.is_ready());
        let alone = Health::default();
        alone.add_watch(Arc::clone(&watches[0]));
        assert!(!alone.is_ready(), "nothing could be listed");
    }
}
