//! What travels with a request from hop to hop: the trace, the deadline and the count of hops.

pub use super::trace::{TRACEPARENT, TRACESTATE, Trace};

use hyper::{HeaderMap, header::HeaderValue};
use std::time::Duration;
use tokio::time::Instant;

/// How many milliseconds the caller still waits.
pub const DEADLINE: &str = "maquette-deadline-ms";
/// How many components the request has passed.
pub const HOPS: &str = "maquette-hops";

/// How long a request may take. A caller may ask for less, never for more. It is long enough for a
/// store to be restarted meanwhile, and short enough for a pod that drains.
pub const LONGEST: Duration = Duration::from_secs(10);
/// How many components a request may pass: more than any model that is not a loop has in a row.
pub const MAX_HOPS: u8 = 32;
/// The share of the time left that a caller keeps for itself, so that the answer of a component below,
/// also the one that its time is over, still gets up: one part in so many.
const KEPT: u32 = 20;

/// The request has passed too many components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has passed {MAX_HOPS} components: the calls run in a circle")]
pub struct TooManyHops;

/// What came with a request.
#[derive(Clone, Debug)]
pub struct Context {
    /// The trace that it belongs to.
    pub trace: Trace,
    /// When it must be answered.
    pub deadline: Instant,
    hops: u8,
}

impl Context {
    /// A request that begins here.
    pub fn first(deadline: Instant) -> Self {
        Self { trace: Trace::random(), deadline, hops: 0 }
    }

    /// Reads the headers. What is missing or malformed there is as in a first request.
    pub fn from_headers(headers: &HeaderMap, now: Instant) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let asked = text(DEADLINE).and_then(|millis| millis.parse().ok());
        let asked = asked.map_or(LONGEST, Duration::from_millis);
        Self {
            trace: Trace::from_headers(headers).unwrap_or_else(Trace::random),
            deadline: now + asked.min(LONGEST),
            hops: text(HOPS).and_then(|hops| hops.parse().ok()).unwrap_or(0),
        }
    }

    /// Whether the request may be answered here at all.
    ///
    /// # Errors
    /// If it has passed too many components.
    pub fn check_hops(&self) -> Result<(), TooManyHops> {
        if self.hops >= MAX_HOPS { Err(TooManyHops) } else { Ok(()) }
    }

    /// The time at which a component below must have answered.
    pub fn deadline_below(&self, now: Instant) -> Instant {
        let left = self.deadline.saturating_duration_since(now);
        now + (left - left / KEPT)
    }

    /// The headers of a request to a component below.
    pub fn headers_below(&self, now: Instant) -> HeaderMap {
        let left = self.deadline_below(now).saturating_duration_since(now);
        let mut headers = HeaderMap::new();
        headers.insert(HOPS, HeaderValue::from(u16::from(self.hops) + 1));
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        headers.insert(DEADLINE, HeaderValue::from(millis));
        self.trace.add_below(&mut headers);
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
            Context::from_headers(&headers, now)
        };
        assert_eq!(with("300").deadline - now, Duration::from_millis(300));
        assert_eq!(with("99999999").deadline - now, LONGEST);
        assert_eq!(with("soon").deadline - now, LONGEST);
        assert_eq!(with("300").headers_below(now)[DEADLINE], "285");
        assert_eq!(with("0").headers_below(now)[DEADLINE], "0");
    }

    #[test]
    fn hops_are_counted_and_limited() {
        let now = Instant::now();
        let mut context = Context::from_headers(&HeaderMap::new(), now);
        for _ in 0..MAX_HOPS {
            assert_eq!(context.check_hops(), Ok(()));
            context = Context::from_headers(&context.headers_below(now), now);
        }
        assert_eq!(context.check_hops(), Err(TooManyHops));
    }
}
