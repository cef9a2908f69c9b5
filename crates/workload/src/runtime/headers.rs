//! What travels with a request from hop to hop: the trace, the deadline and the count of hops.

pub use super::trace::{TRACEPARENT, TRACESTATE, TraceContext};

use hyper::{HeaderMap, header::HeaderValue};
use std::time::Duration;
use tokio::time::Instant;

/// How many milliseconds the caller still waits.
pub const DEADLINE: &str = "maquette-deadline-ms";
/// How many components the request has passed.
pub const HOPS: &str = "maquette-hops";

/// How long a request may take. A caller may ask for less, never for more. It is long enough for a
/// store to be restarted meanwhile, and short enough for a pod that drains.
pub const MAX_DEADLINE: Duration = Duration::from_secs(10);
/// How many components a request may pass: more than any model that is not a loop has in a row.
pub const MAX_HOPS: u8 = 32;
/// The share of the time left that a caller keeps for itself, so that the answer of a component below,
/// also the one that its time is over, still gets up: one part in so many.
const RESERVE_FRACTION: u32 = 20;

/// The request has passed too many components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has passed {MAX_HOPS} components: the calls run in a circle")]
pub struct HopLimitError;

/// What came with a request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The trace that it belongs to.
    pub trace: TraceContext,
    /// When it must be answered.
    pub deadline: Instant,
    hops: u8,
}

impl RequestContext {
    /// A request that begins here.
    pub fn new_root(deadline: Instant) -> Self {
        Self { trace: TraceContext::random(), deadline, hops: 0 }
    }

    /// Reads the headers. What is missing or malformed there is as in a first request.
    pub fn from_headers(headers: &HeaderMap, now: Instant) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let asked = text(DEADLINE).and_then(|millis| millis.parse().ok());
        let asked = asked.map_or(MAX_DEADLINE, Duration::from_millis);
        Self {
            trace: TraceContext::from_headers(headers).unwrap_or_else(TraceContext::random),
            deadline: now + asked.min(MAX_DEADLINE),
            hops: text(HOPS).and_then(|hops| hops.parse().ok()).unwrap_or(0),
        }
    }

    /// Whether the request may be answered here at all.
    ///
    /// # Errors
    /// If it has passed too many components.
    pub fn check_hops(&self) -> Result<(), HopLimitError> {
        if self.hops >= MAX_HOPS { Err(HopLimitError) } else { Ok(()) }
    }

    /// The time at which a component below must have answered.
    pub fn upstream_deadline(&self, now: Instant) -> Instant {
        let left = self.deadline.saturating_duration_since(now);
        now + (left - left / RESERVE_FRACTION)
    }

    /// The headers of a request to a component below.
    pub fn upstream_headers(&self, now: Instant) -> HeaderMap {
        let left = self.upstream_deadline(now).saturating_duration_since(now);
        let mut headers = HeaderMap::new();
        headers.insert(HOPS, HeaderValue::from(u16::from(self.hops) + 1));
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        headers.insert(DEADLINE, HeaderValue::from(millis));
        self.trace.inject_into(&mut headers);
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_only_gets_shorter() {
        let now = Instant::now();
        let with = |millis: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(DEADLINE, HeaderValue::from_static(millis));
            RequestContext::from_headers(&headers, now)
        };
        assert_eq!(with("300").deadline - now, Duration::from_millis(300));
        assert_eq!(with("99999999").deadline - now, MAX_DEADLINE);
        assert_eq!(with("soon").deadline - now, MAX_DEADLINE);
        assert_eq!(with("300").upstream_headers(now)[DEADLINE], "285");
        assert_eq!(with("0").upstream_headers(now)[DEADLINE], "0");
    }

    #[test]
    fn hops_are_counted_and_limited() {
        let now = Instant::now();
        let mut context = RequestContext::from_headers(&HeaderMap::new(), now);
        for _ in 0..MAX_HOPS {
            assert_eq!(context.check_hops(), Ok(()));
            context = RequestContext::from_headers(&context.upstream_headers(now), now);
        }
        assert_eq!(context.check_hops(), Err(HopLimitError));
    }
}
