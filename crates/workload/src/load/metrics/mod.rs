//! The results of the requests: counts, latencies, the load's own punctuality, and a summary in the
//! log.

mod histograms;
mod punctuality;

use super::{
    checker::ViolationKind,
    failure::{FailureKind, RequestFailure},
    virtual_users::UserRequest,
};
use crate::runtime::{MetricsRegistry, lock, whole_micros};
use histograms::{Latencies, LatencyHistograms, new_latencies};
use maquette_contract::LoadObservation;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
};
use punctuality::Punctuality;
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// The interval between two summaries in the log.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);
/// The most single failures that are logged between two summaries, which count all.
const MAX_LOGGED_FAILURES: u64 = 5;

/// The metrics, the totals for `/observations` and the next summary.
#[derive(Debug)]
pub(super) struct LoadMetrics {
    requests: Family<RequestLabels, Counter>,
    latency: Family<OperationLabel, Histogram, fn() -> Histogram>,
    histograms: LatencyHistograms,
    /// From when a request is due until it is sent.
    lag: Histogram,
    lost_writes: Counter,
    wrong_answers: Counter,
    changed_by_others: Counter,
    dropped: Counter,
    late: Counter,
    /// Requests sent and not yet ended.
    in_flight: Gauge,
    /// Requests that are due and wait for their turn.
    waiting: Gauge,
    /// Items that the checker tracks.
    tracked: Gauge,
    totals: Mutex<LoadObservation>,
    punctuality: Mutex<Punctuality>,
    /// When the wait for the first answer began; none once it has ended.
    waiting_since: Mutex<Option<Instant>>,
    summary: Mutex<LogSummary>,
}

/// The requests since the last summary.
#[derive(Debug)]
struct LogSummary {
    since: Instant,
    latencies: Latencies,
    failed: u64,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Read,
    Write,
    Summary,
}

impl Operation {
    /// In the order of their numbers.
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Summary];

    fn of(request: &UserRequest) -> Self {
        match request {
            UserRequest::Read(_) => Self::Read,
            UserRequest::Write(_) => Self::Write,
            UserRequest::Summary => Self::Summary,
        }
    }

    /// The value of the label `operation`.
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Summary => "summary",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

impl LoadMetrics {
    /// Registers the metrics, with counts of zero.
    pub(super) fn new(metrics: &MetricsRegistry) -> Self {
        let now = Instant::now();
        let load = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(latency_histogram),
            histograms: LatencyHistograms::new(),
            lag: lag_histogram(),
            lost_writes: Counter::default(),
            wrong_answers: Counter::default(),
            changed_by_others: Counter::default(),
            dropped: Counter::default(),
            late: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            tracked: Gauge::default(),
            totals: Mutex::default(),
            punctuality: Mutex::new(Punctuality::new(now)),
            waiting_since: Mutex::new(Some(now)),
            summary: Mutex::new(LogSummary { since: now, latencies: new_latencies(), failed: 0 }),
        };
        load.register_results(metrics);
        load.register_load(metrics);
        load
    }

    /// Registers what the load finds out about the model.
    fn register_results(&self, metrics: &MetricsRegistry) {
        metrics.register(
            "load_requests",
            "Requests of virtual users that have ended, by operation and outcome",
            self.requests.clone(),
        );
        metrics.register_seconds(
            "load_latency",
            "Time to the end of a request, from its scheduled start",
            self.latency.clone(),
        );
        metrics.register(
            "load_lost_writes",
            "Acknowledged writes, or versions that a read had found, that a later read did not find",
            self.lost_writes.clone(),
        );
        metrics.register(
            "load_wrong_answers",
            "Answers that contradict earlier ones, other than lost writes",
            self.wrong_answers.clone(),
        );
        metrics.register(
            "load_changed_by_others",
            "Versions of the load's items that another client has written or deleted",
            self.changed_by_others.clone(),
        );
        metrics.register(
            "load_tracked_items",
            "Items whose answers are checked",
            self.tracked.clone(),
        );
    }

    /// Registers what shows whether the load itself keeps up.
    fn register_load(&self, metrics: &MetricsRegistry) {
        metrics.register_seconds(
            "load_lag",
            "Time from when a request was due until it was sent",
            self.lag.clone(),
        );
        metrics.register(
            "load_late_requests",
            "Requests sent more than 100 ms after they were due",
            self.late.clone(),
        );
        metrics.register(
            "load_dropped_requests",
            "Requests that were due and not sent: the load was suspended or at one of its limits",
            self.dropped.clone(),
        );
        metrics.register("load_requests_in_flight", "Requests in flight", self.in_flight.clone());
        metrics.register(
            "load_waiting",
            "Requests that are due and wait for their turn",
            self.waiting.clone(),
        );
    }

    /// The requests that wait, the requests in flight and the tracked items at this moment.
    pub(super) fn set_gauges(&self, waiting: usize, in_flight: usize, tracked: usize) {
        for (gauge, count) in
            [(&self.waiting, waiting), (&self.in_flight, in_flight), (&self.tracked, tracked)]
        {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// The count of versions that other clients have made.
    pub(super) fn changed_by_others(&self) -> Counter {
        self.changed_by_others.clone()
    }

    /// Counts a request that is sent at `now` and was due at `due_at`.
    pub(super) fn record_sent(&self, now: Instant, due_at: Instant) {
        let lag = now.saturating_duration_since(due_at);
        lock(&self.totals).sent += 1;
        self.lag.observe(lag.as_secs_f64());
        if lock(&self.punctuality).record_sent(now, lag) {
            self.late.inc();
        }
    }

    /// Counts requests that were due and are not sent.
    pub(super) fn record_dropped(&self, count: u64) {
        self.dropped.inc_by(count);
        lock(&self.punctuality).record_dropped(Instant::now(), count);
    }

    /// Counts a request that ended `took` after its scheduled start.
    pub(super) fn record_ended(
        &self,
        request: &UserRequest,
        failure: Option<&RequestFailure>,
        took: Duration,
    ) {
        let operation = Operation::of(request);
        let outcome = failure.map_or("ok", |failure| failure.kind.outcome());
        let operation_label = operation.name();
        self.requests.get_or_create(&RequestLabels { operation: operation_label, outcome }).inc();
        if let Some(RequestFailure { kind: FailureKind::GeneratorLimit, reason }) = failure {
            self.log_failure(request, outcome, reason, took);
            self.record_dropped(1);
            return;
        }
        self.latency
            .get_or_create(&OperationLabel { operation: operation_label })
            .observe(took.as_secs_f64());
        self.histograms.record(operation, took);
        lock(&self.summary).latencies.saturating_record(whole_micros(took));
        match failure {
            None => lock(&self.totals).succeeded += 1,
            Some(failure) => self.record_failure(request, failure, took),
        }
    }

    fn record_failure(&self, request: &UserRequest, failure: &RequestFailure, took: Duration) {
        let RequestFailure { kind, reason } = failure;
        let mut totals = lock(&self.totals);
        totals.failed += 1;
        match kind {
            FailureKind::Contradiction(ViolationKind::LostWrite { is_first: true }) => {
                self.lost_writes.inc();
                totals.lost_writes += 1;
                tracing::error!(%request, reason, "a write is lost");
            }
            FailureKind::Contradiction(ViolationKind::WrongValue | ViolationKind::WrongVersion) => {
                self.wrong_answers.inc();
                totals.wrong_answers += 1;
            }
            _ => {}
        }
        drop(totals);
        self.log_failure(request, kind.outcome(), reason, took);
    }

    fn log_failure(&self, request: &UserRequest, outcome: &str, reason: &str, took: Duration) {
        let mut summary = lock(&self.summary);
        summary.failed += 1;
        if summary.failed <= MAX_LOGGED_FAILURES {
            let millis = took.as_millis();
            tracing::warn!(%request, outcome, reason, millis, "a request failed");
        }
    }

    /// The wait for the first answer has ended.
    pub(super) fn end_wait(&self) {
        *lock(&self.waiting_since) = None;
    }

    /// The totals since the start of the process, whether the load keeps up, and how long it waits
    /// for its first answer.
    pub(super) fn observation(&self) -> LoadObservation {
        let mut report = *lock(&self.totals);
        report.waiting_seconds = lock(&self.waiting_since).map(|since| since.elapsed().as_secs());
        lock(&self.punctuality).report(Instant::now(), &mut report);
        report
    }

    /// All latencies since the start, as a log of HDR histograms.
    pub(super) fn histogram_log(&self) -> Option<String> {
        self.histograms.log()
    }

    /// Logs a summary, if the last one is older than [`SUMMARY_INTERVAL`].
    pub(super) fn log_summary(&self, now: Instant) {
        let mut summary = lock(&self.summary);
        if now.saturating_duration_since(summary.since) < SUMMARY_INTERVAL {
            return;
        }
        let [p50_micros, p90_micros, p99_micros, p999_micros] =
            [0.5, 0.9, 0.99, 0.999].map(|q| summary.latencies.value_at_quantile(q));
        tracing::info!(
            requests = summary.latencies.len(),
            failed = summary.failed,
            p50_micros,
            p90_micros,
            p99_micros,
            p999_micros,
            max_micros = summary.latencies.max(),
            lost_writes_total = self.lost_writes.get(),
            wrong_answers_total = self.wrong_answers.get(),
            late_total = self.late.get(),
            dropped_total = self.dropped.get(),
            "requests of the last minute"
        );
        summary.latencies.reset();
        summary.failed = 0;
        summary.since = now;
    }
}

fn latency_histogram() -> Histogram {
    // 0.25 ms to 8 s. The bounds are the same in all pods, so that their buckets can be added.
    Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
}

fn lag_histogram() -> Histogram {
    // 0.1 ms to 10 s.
    Histogram::new(exponential_buckets(0.000_1, 10.0, 6))
}
