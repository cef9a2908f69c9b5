//! What the users lived through: counts, latencies and the line in the log.

use super::{
    request::{Ending, Failure},
    users::Ask,
};
use crate::runtime::{Metrics, lock};
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
const LONGEST_MICROS: u64 = 60_000_000;
const DIGITS: u8 = 3;
/// How often the log gets a line.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// How many failures the log tells of between two such lines; the line counts them all.
const TOLD: u64 = 5;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Tally {
    requests: Family<RequestLabels, Counter>,
    latency: Family<OperationLabel, Histogram, fn() -> Histogram>,
    lost: Counter,
    /// Requests under way.
    pub(super) under_way: Gauge,
    /// Requests whose time has come and that wait for their turn.
    pub(super) waiting: Gauge,
    /// Items remembered.
    pub(super) remembered: Gauge,
    totals: Mutex<LoadObservation>,
    line: Mutex<Line>,
}

/// What the next line of the log is about.
#[derive(Debug)]
struct Line {
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

impl Tally {
    /// Counts of nothing, as metrics of the process.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let tally = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(latency_histogram),
            lost: Counter::default(),
            under_way: Gauge::default(),
            waiting: Gauge::default(),
            remembered: Gauge::default(),
            totals: Mutex::default(),
            line: Mutex::new(Line { since: Instant::now(), latencies: latencies(), failed: 0 }),
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
            tally.lost.clone(),
        );
        metrics.register("load_under_way", "Requests under way", tally.under_way.clone());
        metrics.register(
            "load_waiting",
            "Requests that should have begun and wait for their turn",
            tally.waiting.clone(),
        );
        metrics.register(
            "load_remembered_items",
            "Items of which an acknowledged write is remembered",
            tally.remembered.clone(),
        );
        tally
    }

    /// A request is sent.
    pub(super) fn sent(&self) {
        lock(&self.totals).sent += 1;
    }

    /// A request has ended, so long after it should have begun.
    pub(super) fn ended(&self, ask: &Ask, failure: Option<&Failure>, took: Duration) {
        let (operation, outcome) = (operation(ask), failure.map_or("ok", outcome));
        self.requests.get_or_create(&RequestLabels { operation, outcome }).inc();
        self.latency.get_or_create(&OperationLabel { operation }).observe(took.as_secs_f64());
        let mut line = lock(&self.line);
        line.latencies.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let mut totals = lock(&self.totals);
        let Some(Failure { ending, why }) = failure else {
            totals.succeeded += 1;
            return;
        };
        totals.failed += 1;
        line.failed += 1;
        if line.failed <= TOLD {
            tracing::warn!(request = %ask, outcome, why, millis = took.as_millis(), "a request failed");
        }
        if *ending == (Ending::Lost { first: true }) {
            self.lost.inc();
            totals.lost_writes += 1;
        }
    }

    /// The totals since the start.
    pub(super) fn observation(&self) -> LoadObservation {
        *lock(&self.totals)
    }

    /// Writes a line to the log if its time has come.
    pub(super) fn log(&self, now: Instant) {
        let mut line = lock(&self.line);
        if now.saturating_duration_since(line.since) < LINE_EVERY {
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
            lost_writes_in_all = self.lost.get(),
            "end users of the last minute"
        );
        line.latencies.reset();
        line.failed = 0;
        line.since = now;
    }
}

#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn latencies() -> Latencies<u64> {
    Latencies::new_with_bounds(1, LONGEST_MICROS, DIGITS).expect("the bounds are good")
}

/// 1 ms to 8 s.
fn latency_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 14))
}

fn operation(ask: &Ask) -> &'static str {
    match ask {
        Ask::Read(_) => "read",
        Ask::Write(..) => "write",
        Ask::Summary => "summary",
    }
}

fn outcome(failure: &Failure) -> &'static str {
    match failure.ending {
        Ending::Refused => "refused",
        Ending::Error => "error",
        Ending::Unreachable => "unreachable",
        Ending::Late => "late",
        Ending::Nonsense => "nonsense",
        Ending::Lost { .. } => "lost",
        Ending::GaveUp => "gave_up",
    }
}
