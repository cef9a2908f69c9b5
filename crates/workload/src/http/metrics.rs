//! The metrics of the front.

use crate::runtime;
use axum::http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use std::time::Duration;

/// From half a millisecond to the longest that a request may take, in seconds.
const BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Get,
    Put,
    Summary,
    /// What the component itself holds, for another component.
    Held,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Operation::Get => "get",
            Operation::Put => "put",
            Operation::Summary => "summary",
            Operation::Held => "held",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    operation: &'static str,
    /// The class of the status: one of `2xx`, `4xx`, `5xx`.
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Took {
    operation: &'static str,
}

#[derive(Debug)]
pub(super) struct Metrics {
    ended: Family<Ended, Counter>,
    took: Family<Took, Histogram, fn() -> Histogram>,
    under_way: Gauge,
}

impl Metrics {
    pub(super) fn new(metrics: &runtime::Metrics) -> Self {
        let ended = Family::default();
        let took = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let under_way = Gauge::default();
        metrics.register("requests", "Requests answered", ended.clone());
        let help = "How long requests took";
        metrics.register_seconds("request_duration", help, took.clone());
        metrics.register("requests_in_flight", "Requests under way", under_way.clone());
        Self { ended, took, under_way }
    }

    /// Counts a request as under way until the guard is dropped, also if its client goes away.
    pub(super) fn begin(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    pub(super) fn end(&self, operation: Operation, status: StatusCode, took: Duration) {
        let operation = operation.as_str();
        let code = match status {
            status if status.is_server_error() => "5xx",
            status if status.is_client_error() => "4xx",
            _ => "2xx",
        };
        self.ended.get_or_create(&Ended { operation, code }).inc();
        self.took.get_or_create(&Took { operation }).observe(took.as_secs_f64());
    }
}

pub(super) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}
