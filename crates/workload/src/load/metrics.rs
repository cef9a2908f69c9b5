//! What the users lived through: counts, latencies and the line in the log.

use super::{
    request::{FailureKind, RequestFailure},
    virtual_users::UserRequest,
};
use crate::runtime::{MetricsRegistry, lock};
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

/// The longest latency told apart, in microseconds, and its significant digits.
const MAX_LATENCY_MICROS: u64 = 60_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
/// How often the log gets a line.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);
/// How many failures the log tells of between two such lines; the line counts them all.
const MAX_LOGGED_FAILURES: u64 = 5;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct LoadMetrics {
    requests: Family<RequestLabels, Counter>,
    latency: Family<OperationLabel, Histogram, fn() -> Histogram>,
    lost_writes: Counter,
    /// Requests under way.
    pub(super) in_flight: Gauge,
    /// Requests whose time has come and that wait for their turn.
    pub(super) waiting: Gauge,
    /// Items remembered.
    pub(super) tracked: Gauge,
    totals: Mutex<LoadObservation>,
    summary: Mutex<LogSummary>,
}

/// What the next line of the log is about.
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
    /// Counts of nothing, as metrics of the process.
    pub(super) fn new(metrics: &MetricsRegistry) -> Self {
        let tally = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(latency_histogram),
            lost_writes: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            tracked: Gauge::default(),
            totals: Mutex::default(),
            summary: Mutex::new(LogSummary {
                since: Instant::now(),
                latencies: new_latencies(),
                failed: 0,
            }),
        };
        metrics.register(
            "load_requests",
            "Requests of end users that have ended, by operation and outcome",
            tally.requests.clone(),
        );
        metrics.register_seconds(
            "load_latency",
            "Time to the end of a request, from when it should have begun",
            tally.latency.clone(),
        );
        metrics.register(
            "load_lost_writes",
            "Acknowledged writes that a later read did not find",
            tally.lost_writes.clone(),
        );
        metrics.register("load_under_way", "Requests under way", tally.in_flight.clone());
        metrics.register(
            "load_waiting",
            "Requests that should have begun and wait for their turn",
            tally.waiting.clone(),
        );
        metrics.register(
            "load_remembered_items",
            "Items of which an acknowledged write is remembered",
            tally.tracked.clone(),
        );
        tally
    }

    /// A request is sent.
    pub(super) fn record_sent(&self) {
        lock(&self.totals).sent += 1;
    }

    /// A request has ended, so long after it should have begun.
    pub(super) fn record_ended(
        &self,
        ask: &UserRequest,
        failure: Option<&RequestFailure>,
        took: Duration,
    ) {
        let (operation, outcome) = (operation_name(ask), failure.map_or("ok", outcome_name));
        self.requests.get_or_create(&RequestLabels { operation, outcome }).inc();
        self.latency.get_or_create(&OperationLabel { operation }).observe(took.as_secs_f64());
        let mut line = lock(&self.summary);
        line.latencies.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let mut totals = lock(&self.totals);
        let Some(RequestFailure { kind: ending, reason: why }) = failure else {
            totals.succeeded += 1;
            return;
        };
        totals.failed += 1;
        line.failed += 1;
        if line.failed <= MAX_LOGGED_FAILURES {
            tracing::warn!(request = %ask, outcome, why, millis = took.as_millis(), "a request failed");
        }
        if *ending == (FailureKind::LostWrite { first: true }) {
            self.lost_writes.inc();
            totals.lost_writes += 1;
        }
    }

    /// The totals since the start.
    pub(super) fn observation(&self) -> LoadObservation {
        *lock(&self.totals)
    }

    /// Writes a line to the log if its time has come.
    pub(super) fn log_summary(&self, now: Instant) {
        let mut line = lock(&self.summary);
        if now.saturating_duration_since(line.since) < SUMMARY_INTERVAL {
            return;
        }
        let quantile = |quantile| line.latencies.value_at_quantile(quantile);
        tracing::info!(
            requests = line.latencies.len(),
            failed = line.failed,
            p50_micros = quantile(0.5),
            p90_micros = quantile(0.9),
            p99_micros = quantile(0.99),
            p999_micros = quantile(0.999),
            max_micros = line.latencies.max(),
            lost_writes_in_all = self.lost_writes.get(),
            "end users of the last minute"
        );
        line.latencies.reset();
        line.failed = 0;
        line.since = now;
    }
}

#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn new_latencies() -> Latencies<u64> {
    Latencies::new_with_bounds(1, MAX_LATENCY_MICROS, SIGNIFICANT_DIGITS)
        .expect("the bounds are good")
}

/// 1 ms to 8 s.
fn latency_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 14))
}

fn operation_name(ask: &UserRequest) -> &'static str {
    match ask {
        UserRequest::Read(_) => "read",
        UserRequest::Write(..) => "write",
        UserRequest::Summary => "summary",
    }
}

fn outcome_name(failure: &RequestFailure) -> &'static str {
    match failure.kind {
        FailureKind::ClientError => "refused",
        FailureKind::ServerError => "error",
        FailureKind::Unreachable => "unreachable",
        FailureKind::TimedOut => "late",
        FailureKind::UnexpectedAnswer => "nonsense",
        FailureKind::LostWrite { .. } => "lost",
        FailureKind::NeverSent => "gave_up",
    }
}
