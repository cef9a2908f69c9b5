//! The metrics of requests.

use crate::runtime;
use axum::http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use std::time::Duration;

/// In seconds, from half a millisecond to the longest deadline of a request.
const BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The label `operation` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpOperation {
    Get,
    Put,
    Delete,
    List,
    Summary,
    /// A request of another component for the items that this one keeps.
    Internal,
}

impl HttpOperation {
    fn as_str(self) -> &'static str {
        match self {
            HttpOperation::Get => "get",
            HttpOperation::Put => "put",
            HttpOperation::Delete => "delete",
            HttpOperation::List => "list",
            HttpOperation::Summary => "summary",
            HttpOperation::Internal => "internal",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    operation: &'static str,
    /// The class of the status: one of `2xx`, `4xx`, `5xx`.
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LatencyLabels {
    operation: &'static str,
}

#[derive(Debug)]
pub(super) struct HttpMetrics {
    answers: Family<AnswerLabels, Counter>,
    latencies: Family<LatencyLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl HttpMetrics {
    pub(super) fn new(metrics: &runtime::MetricsRegistry) -> Self {
        let answers = Family::default();
        let latencies =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let in_flight = Gauge::default();
        metrics.register("requests", "Requests answered", answers.clone());
        let help = "Time from the arrival of a request to its answer";
        metrics.register_seconds("request_duration", help, latencies.clone());
        metrics.register("requests_in_flight", "Requests in flight", in_flight.clone());
        Self { answers, latencies, in_flight }
    }

    /// Counts a request as in flight until the guard is dropped, also if its client disconnects.
    pub(super) fn start_request(&self) -> InFlightGuard {
        self.in_flight.inc();
        InFlightGuard(self.in_flight.clone())
    }

    pub(super) fn finish_request(
        &self,
        operation: HttpOperation,
        status: StatusCode,
        took: Duration,
    ) {
        let code = match status {
            status if status.is_server_error() => "5xx",
            status if status.is_client_error() => "4xx",
            _ => "2xx",
        };
        let name = operation.as_str();
        self.answers.get_or_create(&AnswerLabels { operation: name, code }).inc();
        let latency = self.latencies.get_or_create(&LatencyLabels { operation: name });
        latency.observe(took.as_secs_f64());
    }
}

pub(super) struct InFlightGuard(Gauge);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
