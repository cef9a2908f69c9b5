//! The latencies since the start as HDR histograms, whole: those of several pods, or of several
//! times, can be added.
//!
//! The format is that of `HistogramLogWriter` of <http://hdrhistogram.org>, which its tools read: a
//! line for each operation, whose tag is the operation, with the histogram in V2 encoding,
//! compressed and in base64.

use super::Operation;
use crate::runtime::{lock, whole_micros};
use hdrhistogram::{
    Histogram,
    serialization::{
        V2DeflateSerializer,
        interval_log::{IntervalLogWriterBuilder, Tag},
    },
};
use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

/// The range of latencies, in microseconds; longer ones count as the maximum.
const MAX_LATENCY_MICROS: u64 = 60_000_000;
/// The precision of latencies.
const SIGNIFICANT_DIGITS: u8 = 3;
/// The log has the maxima in milliseconds.
const MICROS_PER_MILLI: f64 = 1000.0;

/// Latencies in microseconds.
pub(super) type Latencies = Histogram<u64>;

#[expect(clippy::expect_used, reason = "the bounds are constants")]
pub(super) fn new_latencies() -> Latencies {
    Latencies::new_with_bounds(1, MAX_LATENCY_MICROS, SIGNIFICANT_DIGITS)
        .expect("the bounds are valid")
}

/// One histogram for each operation that had a request.
#[derive(Debug)]
pub(super) struct LatencyHistograms {
    since: SystemTime,
    latencies: Mutex<[Option<Latencies>; Operation::ALL.len()]>,
}

impl LatencyHistograms {
    pub(super) fn new() -> Self {
        Self { since: SystemTime::now(), latencies: Mutex::default() }
    }

    pub(super) fn record(&self, operation: Operation, took: Duration) {
        let mut latencies = lock(&self.latencies);
        latencies[operation as usize]
            .get_or_insert_with(new_latencies)
            .saturating_record(whole_micros(took));
    }

    /// The log; none if it cannot be written, which no histogram within its bounds causes.
    pub(super) fn log(&self) -> Option<String> {
        let (mut log, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
        let start = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut writer = IntervalLogWriterBuilder::new()
            .add_comment("Latencies in microseconds, from the scheduled start of each request")
            .with_start_time(self.since)
            .with_max_value_divisor(MICROS_PER_MILLI)
            .begin_log_with(&mut log, &mut serializer)
            .ok()?;
        let duration = self.since.elapsed().unwrap_or_default();
        for (operation, latencies) in Operation::ALL.into_iter().zip(&*lock(&self.latencies)) {
            let Some(latencies) = latencies else { continue };
            writer.write_histogram(latencies, start, duration, Tag::new(operation.name())).ok()?;
        }
        String::from_utf8(log).ok()
    }
}
