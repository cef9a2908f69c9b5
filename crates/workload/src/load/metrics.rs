//! The results of the requests: counts, latencies and a summary in the log.

use super::{
    request::{FailureKind, RequestFailure},
    virtual_users::UserRequest,
};
use crate::runtime::{MetricsRegistry, lock, whole_micros};
use hdrhistogram::Histogram as Latencies;
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
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// The range of the log summary's latencies, in microseconds; longer ones count as the maximum.
const MAX_LATENCY_MICROS: u64 = 60_000_000;
/// The precision of the log summary's latencies.
const SIGNIFICANT_DIGITS: u8 = 3;
/// The interval between two summaries in the log.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);
/// The most single failures that are logged between two summaries, which count all.
const MAX_LOGGED_FAILURES: u64 = 5;

/// The metrics, the totals for `/observations` and the next summary.
#[derive(Debug)]
pub(super) struct LoadMetrics {
    requests: Family<RequestLabels, Counter>,
    latency: Family<OperationLabel, Histogram, fn() -> Histogram>,
    lost_writes: Counter,
    /// Requests sent and not yet ended.
    in_flight: Gauge,
    /// Requests that are due and wait for their turn.
    waiting: Gauge,
    /// Items that the durability checker tracks.
    tracked: Gauge,
    totals: Mutex<LoadObservation>,
    /// When the wait for the first answer began; none once it has ended.
    waiting_since: Mutex<Option<Instant>>,
    summary: Mutex<LogSummary>,
}

/// The requests since the last summary.
#[derive(Debug)]
struct LogSummary {
    since: Instant,
    latencies: Latencies<u64>,
    failed: u64,
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
        let load = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(latency_histogram),
            lost_writes: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            tracked: Gauge::default(),
            totals: Mutex::default(),
            waiting_since: Mutex::new(Some(Instant::now())),
            summary: Mutex::new(LogSummary {
                since: Instant::now(),
                latencies: new_latencies(),
                failed: 0,
            }),
        };
        metrics.register(
            "load_requests",
            "Requests of virtual users that have ended, by operation and outcome",
            load.requests.clone(),
        );
        metrics.register_seconds(
            "load_latency",
            "Time to the end of a request, from its scheduled start",
            load.latency.clone(),
        );
        metrics.register(
            "load_lost_writes",
            "Acknowledged writes that a later read did not find",
            load.lost_writes.clone(),
        );
        metrics.register("load_requests_in_flight", "Requests in flight", load.in_flight.clone());
        metrics.register(
            "load_waiting",
            "Requests that are due and wait for their turn",
            load.waiting.clone(),
        );
        metrics.register(
            "load_tracked_items",
            "Items whose acknowledged writes are checked",
            load.tracked.clone(),
        );
        load
    }

    /// The requests that wait, the requests in flight and the tracked items at this moment.
    pub(super) fn set_gauges(&self, waiting: usize, in_flight: usize, tracked: usize) {
        for (gauge, count) in
            [(&self.waiting, waiting), (&self.in_flight, in_flight), (&self.tracked, tracked)]
        {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Counts a request at its start.
    pub(super) fn record_sent(&self) {
        lock(&self.totals).sent += 1;
    }

    /// Counts a request that ended `took` after its scheduled start.
    pub(super) fn record_ended(
        &self,
        request: &UserRequest,
        failure: Option<&RequestFailure>,
        took: Duration,
    ) {
        let (operation, outcome) = (operation_name(request), failure.map_or("ok", outcome_name));
        self.requests.get_or_create(&RequestLabels { operation, outcome }).inc();
        self.latency.get_or_create(&OperationLabel { operation }).observe(took.as_secs_f64());
        let mut summary = lock(&self.summary);
        summary.latencies.saturating_record(whole_micros(took));
        let mut totals = lock(&self.totals);
        let Some(RequestFailure { kind, reason }) = failure else {
            totals.succeeded += 1;
            return;
        };
        totals.failed += 1;
        summary.failed += 1;
        if summary.failed <= MAX_LOGGED_FAILURES {
            let millis = took.as_millis();
            tracing::warn!(%request, outcome, reason, millis, "a request failed");
        }
        if *kind == (FailureKind::LostWrite { first: true }) {
            self.lost_writes.inc();
            totals.lost_writes += 1;
        }
    }

    /// The wait for the first answer has ended.
    pub(super) fn end_wait(&self) {
        *lock(&self.waiting_since) = None;
    }

    /// The totals since the start of the process, and how long it waits for its first answer.
    pub(super) fn observation(&self) -> LoadObservation {
        let waiting = lock(&self.waiting_since).map(|since| since.elapsed().as_secs());
        LoadObservation { waiting_seconds: waiting, ..*lock(&self.totals) }
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
            "requests of the last minute"
        );
        summary.latencies.reset();
        summary.failed = 0;
        summary.since = now;
    }
}

#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn new_latencies() -> Latencies<u64> {
    Latencies::new_with_bounds(1, MAX_LATENCY_MICROS, SIGNIFICANT_DIGITS)
        .expect("the bounds are valid")
}

fn latency_histogram() -> Histogram {
    // 1 ms to 8 s.
    Histogram::new(exponential_buckets(0.001, 2.0, 14))
}

fn operation_name(request: &UserRequest) -> &'static str {
    match request {
        UserRequest::Read(_) => "read",
        UserRequest::Write(..) => "write",
        UserRequest::Summary => "summary",
    }
}

fn outcome_name(failure: &RequestFailure) -> &'static str {
    match failure.kind {
        FailureKind::ClientError => "client_error",
        FailureKind::ServerError => "server_error",
        FailureKind::Unreachable => "unreachable",
        FailureKind::TimedOut => "timed_out",
        FailureKind::UnexpectedAnswer => "unexpected_answer",
        FailureKind::LostWrite { .. } => "lost_write",
        FailureKind::NeverSent => "never_sent",
    }
}
