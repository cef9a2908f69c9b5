//! One watch: its own task, back-off and health.
//!
//! It lists, then watches from the version of the list. A watch is ended by the API server after
//! less than a minute and resumed without a list, so that a connection that is silently broken is
//! noticed within a minute. Other than `kube::runtime::watcher`, it tells an attempt to list from a
//! completed list, and an accepted watch from one that is silent: back-off and health rest on that.

use super::{
    super::key::ArchitectureKey,
    health::{ScopeWatches, WatchError, WatchFailure, WatchHealth, WatchVerb},
    object::strip_managed_fields,
    queue::Urgency,
};
use futures::{Stream, StreamExt};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
    runtime::watcher::Event,
};
use maquette_http_client::Backoff;
use serde::de::DeserializeOwned;
use std::{fmt::Debug, pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// After how many seconds the API server ends a watch: the least, and the range that is added at
/// random, so that watches do not resume all at once.
const SHORTEST_WATCH: u32 = 45;
const WATCH_SPREAD: u32 = 6;
/// A watch that the API server has not ended this long after its time has a broken connection.
const END_MARGIN: Duration = Duration::from_secs(3);
/// The API server sends the headers of its answer once the watch is registered, before any event. A
/// proxy that holds them back until the first event makes a quiet watch fail.
const START_TIMEOUT: Duration = Duration::from_secs(5);
/// For one page of a list.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Objects in one page of a list.
const PAGE_SIZE: u32 = 250;
/// A watch that is open for this long works, also without an event.
const SETTLED: Duration = Duration::from_secs(3);
/// A watch that ends earlier without an event has failed.
const TOO_SHORT: Duration = Duration::from_secs(1);

/// The wait after a failed list or watch doubles with each further failure.
pub(super) const INITIAL_BACKOFF: Backoff =
    Backoff::new(Duration::from_millis(800), Duration::from_secs(30));

/// Stores the events of a watch.
pub(super) trait EventSink<K>: Send + 'static {
    /// Returns the Architectures that the event concerns.
    fn apply_event(&mut self, event: Event<K>) -> Vec<ArchitectureKey>;

    /// How urgent the reconcile of an Architecture is that an event concerned.
    fn urgency_of(&self, _key: &ArchitectureKey) -> Urgency {
        Urgency::Event
    }
}

/// One watch of objects that `labels` selects; it feeds `sink` and queues the Architectures that
/// its events concern.
pub(super) struct Watch<K, S> {
    pub(super) api: Api<K>,
    /// A label selector; none for all objects.
    pub(super) labels: Option<String>,
    pub(super) sink: S,
    pub(super) scope: Arc<ScopeWatches>,
    pub(super) health: Arc<WatchHealth>,
    pub(super) backoff: Backoff,
}

impl<K, S> Watch<K, S>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    S: EventSink<K>,
{
    /// Watches without end.
    pub(super) async fn run(mut self) {
        // The version to resume from; none before the first list and when it is too old.
        let mut version: Option<String> = None;
        loop {
            self.health.record_step();
            let (verb, result) = match &mut version {
                None => (WatchVerb::List, self.list().await.map(|listed| version = Some(listed))),
                Some(version) => (WatchVerb::Watch, self.watch_from(version).await),
            };
            if let Err(error) = result {
                if error.needs_list() {
                    version = None;
                }
                self.wait_after(verb, &error).await;
            }
        }
    }

    /// Lists all objects; returns the version of the list.
    async fn list(&mut self) -> Result<String, WatchError> {
        self.emit(Event::Init);
        let mut params = ListParams {
            label_selector: self.labels.clone(),
            limit: Some(PAGE_SIZE),
            ..ListParams::default()
        };
        loop {
            let page = with_timeout(PAGE_TIMEOUT, self.api.list(&params)).await??;
            self.health.record_step();
            page.items.into_iter().for_each(|object| self.emit(Event::InitApply(object)));
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                self.complete_list();
                let version = page.metadata.resource_version.filter(|text| !text.is_empty());
                return version.ok_or(WatchError::NoResourceVersion);
            }
        }
    }

    fn complete_list(&mut self) {
        self.emit(Event::InitDone);
        let was_complete = self.scope.all_listed();
        self.health.record_list();
        if !was_complete && self.scope.all_listed() {
            // Architectures wait for the last list.
            self.scope.queue_all();
        }
    }

    /// Watches from `version`, which follows the events, until the API server ends the watch.
    async fn watch_from(&mut self, version: &mut String) -> Result<(), WatchError> {
        let seconds = SHORTEST_WATCH + rand::random_range(0..WATCH_SPREAD);
        let params = WatchParams {
            label_selector: self.labels.clone(),
            timeout: Some(seconds),
            bookmarks: true,
            ..WatchParams::default()
        };
        let started_at = Instant::now();
        let events = with_timeout(START_TIMEOUT, self.api.watch(&params, version)).await??;
        let lifetime = Duration::from_secs(seconds.into()) + END_MARGIN;
        let has_events = match self.follow(pin!(events), version, started_at + lifetime).await? {
            WatchEnd::Closed { has_events } => has_events,
            WatchEnd::Silent => return Err(WatchError::Silent(lifetime)),
        };
        if !has_events && started_at.elapsed() < TOO_SHORT {
            return Err(WatchError::TooShort);
        }
        Ok(())
    }

    async fn follow(
        &mut self,
        mut events: std::pin::Pin<&mut impl Stream<Item = kube::Result<WatchEvent<K>>>>,
        version: &mut String,
        deadline: Instant,
    ) -> Result<WatchEnd, WatchError> {
        let settled_at = Instant::now() + SETTLED;
        let mut has_events = false;
        loop {
            let until = if has_events { deadline } else { settled_at.min(deadline) };
            match timeout_at(until, events.next()).await {
                Ok(Some(event)) => *version = self.take_event(event?)?,
                Ok(None) => return Ok(WatchEnd::Closed { has_events }),
                Err(_) if Instant::now() >= deadline => return Ok(WatchEnd::Silent),
                Err(_) => {}
            }
            has_events = true;
            self.record_success();
        }
    }

    /// Stores an event; returns the version to resume from after it.
    fn take_event(&mut self, event: WatchEvent<K>) -> Result<String, WatchError> {
        let (object, is_deleted) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
            WatchEvent::Deleted(object) => (object, true),
            WatchEvent::Bookmark(bookmark) => return Ok(bookmark.metadata.resource_version),
            WatchEvent::Error(status) => return Err(WatchError::Event(status)),
        };
        let version = object.resource_version().filter(|text| !text.is_empty());
        let version = version.ok_or(WatchError::NoResourceVersion)?;
        self.emit(if is_deleted { Event::Delete(object) } else { Event::Apply(object) });
        Ok(version)
    }

    fn emit(&mut self, event: Event<K>) {
        let concerned = self.sink.apply_event(event.modify(strip_managed_fields));
        for key in concerned {
            let urgency = self.sink.urgency_of(&key);
            self.scope.queue.push_urgent(key, urgency);
        }
    }

    fn record_success(&mut self) {
        self.backoff = INITIAL_BACKOFF;
        let recovery = self.health.record_success();
        if recovery.was_failing {
            let WatchHealth { resource, scope, .. } = &*self.health;
            tracing::info!(resource, scope = scope.label(), "the watch works again");
            self.scope.metrics.watches.record_success(resource, scope.label());
        }
        if recovery.was_reported {
            self.scope.queue_all();
        }
    }

    /// Shortened by up to a quarter at random, so that the watches of many scopes spread.
    fn next_wait(&mut self) -> Duration {
        self.backoff.next_pause().mul_f64(1.0 - 0.25 * rand::random::<f64>())
    }

    /// Records a failure and waits before the next attempt.
    async fn wait_after(&mut self, verb: WatchVerb, error: &WatchError) {
        let health = Arc::clone(&self.health);
        let WatchHealth { resource, scope, .. } = &*health;
        let record = health.record_failure(WatchFailure::new(verb, error));
        self.scope.metrics.watches.record_failure(resource, scope.label());
        // A broken connection is replaced at once; only what fails again waits.
        let is_first_silence = matches!(error, WatchError::Silent(_)) && record.attempts == 1;
        let wait = match is_first_silence {
            true => Duration::ZERO,
            false => self.next_wait(),
        };
        if record.must_log {
            tracing::warn!(
                resource, scope = scope.label(), %verb, %error, attempts = record.attempts,
                retry_in_seconds = wait.as_secs_f64(), "the watch failed; trying again"
            );
        }
        if record.must_report {
            self.scope.queue_all();
        }
        sleep(wait).await;
    }
}

/// How an open watch ended.
enum WatchEnd {
    /// The API server ended it. An event, a bookmark or [`SETTLED`] without an error came before.
    Closed { has_events: bool },
    /// Its time is over, and the API server did not end it.
    Silent,
}

async fn with_timeout<T>(bound: Duration, call: impl Future<Output = T>) -> Result<T, WatchError> {
    timeout(bound, call).await.map_err(|_| WatchError::TimedOut(bound))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::metrics::Metrics, cache::CacheFeed, health::ScopeWatches, object::LenientObject,
            queue::Queue, scope::WatchScope,
        },
        *,
    };
    use http::{Request, Response, StatusCode};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{Client, client::Body, runtime::reflector::store::Writer};
    use serde_json::json;
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };

    /// How many lists and watches were requested.
    #[derive(Debug, Default)]
    struct RequestCounts {
        lists: AtomicUsize,
        watches: AtomicUsize,
    }

    /// An API server without objects that forbids to watch, and to list unless `can_list`.
    fn refusing_client(can_list: bool, counts: &Arc<RequestCounts>) -> Client {
        let counts = Arc::clone(counts);
        let service = tower::service_fn(move |request: Request<Body>| {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            let count = if is_watch { &counts.watches } else { &counts.lists };
            count.fetch_add(1, SeqCst);
            let list = json!({"metadata": {"resourceVersion": "5"}, "items": []});
            let refusal = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": 403,
                "status": "Failure", "reason": "Forbidden", "message": "so it is"});
            let (status, body) = match can_list && !is_watch {
                true => (StatusCode::OK, list),
                false => (StatusCode::FORBIDDEN, refusal),
            };
            let body = Body::from(body.to_string().into_bytes());
            let response = Response::builder().status(status).body(body).expect("a response");
            std::future::ready(Ok::<_, Infallible>(response))
        });
        Client::new(service, "default")
    }

    /// Watches for 2 min; returns the problem that is reported at the end.
    async fn watch_for_2_min(can_list: bool, counts: &Arc<RequestCounts>) -> Option<String> {
        let metrics = Arc::new(Metrics::new());
        let queue = Queue::new(Arc::clone(&metrics));
        let scope = ScopeWatches::new(queue, metrics, Writer::default().as_reader());
        let health = Arc::new(WatchHealth::new("configmaps", WatchScope::All));
        let watch = Watch::<LenientObject<ConfigMap>, _> {
            api: Api::all(refusing_client(can_list, counts)),
            labels: None,
            sink: CacheFeed::<ConfigMap>::new(&Arc::default(), |_| {}),
            scope: Arc::new(scope),
            health: Arc::clone(&health),
            backoff: INITIAL_BACKOFF,
        };
        let end = timeout(Duration::from_secs(120), watch.run()).await;
        assert!(end.is_err(), "a watch never ends");
        assert_eq!(health.has_listed(), can_list);
        health.problem().map(|problem| problem.message)
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_list_backs_off() {
        let counts = Arc::default();
        let problem = watch_for_2_min(false, &counts).await.expect("a problem");
        assert!(problem.contains("may not list configmaps"), "{problem}");
        // 0.8 s, doubled up to 30 s, and each shortened by up to a quarter.
        let lists = counts.lists.load(SeqCst);
        assert!((8..=11).contains(&lists), "{lists} lists in 2 min");
        assert_eq!(counts.watches.load(SeqCst), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_watch_backs_off_without_further_lists() {
        let counts = Arc::default();
        let problem = watch_for_2_min(true, &counts).await.expect("a problem");
        assert!(problem.contains("may not watch configmaps"), "{problem}");
        assert_eq!(counts.lists.load(SeqCst), 1);
        let watches = counts.watches.load(SeqCst);
        assert!((8..=11).contains(&watches), "{watches} watches in 2 min");
    }
}
