//! The headers that travel with a request from hop to hop: trace, deadline, hop count, and the mark
//! of a waiting read.

pub use super::trace::{TRACEPARENT, TRACESTATE, TraceContext};

use hyper::{HeaderMap, header::HeaderValue};
use maquette_contract::{
    RequestId,
    keys::{HEADER_REPEATED, HEADER_REQUEST_ID, HEADER_WAITING_READ},
};
use std::{str::FromStr, time::Duration};
use tokio::time::Instant;

/// The milliseconds until the caller's deadline.
pub const DEADLINE: &str = "maquette-deadline-ms";
/// The number of components that the request has passed.
pub const HOPS: &str = "maquette-hops";

/// The longest time for a request; callers can only shorten it. A store restarts within it, and a
/// pod that drains waits for it.
pub const MAX_DEADLINE: Duration = Duration::from_secs(10);
/// The most components that a request may pass: more than any model without a loop has in a row.
pub const MAX_HOPS: u8 = 32;
/// Each hop reserves this fraction (1/20) of the remaining time, so that the upstream's answer,
/// also its time-out error, still reaches the caller.
const RESERVE_FRACTION: u32 = 20;

/// The request has passed [`MAX_HOPS`] components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has passed {MAX_HOPS} components: the calls form a cycle")]
pub struct HopLimitError;

/// What travels with a request from hop to hop.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The trace that the request belongs to.
    pub trace: TraceContext,
    /// The time at which the caller stops waiting.
    pub deadline: Instant,
    /// Equal in all attempts of a request, on all hops.
    pub request_id: RequestId,
    /// Whether an earlier attempt of this write may be under way: it has [`HEADER_REPEATED`].
    pub is_repeated: bool,
    hops: u8,
    /// Whether it has [`HEADER_WAITING_READ`].
    is_waiting_read: bool,
}

impl RequestContext {
    /// The context of a request that starts here, with a new trace.
    pub fn new_root(deadline: Instant) -> Self {
        Self {
            trace: TraceContext::random(),
            deadline,
            request_id: RequestId::new(rand::random()),
            is_repeated: false,
            hops: 0,
            is_waiting_read: false,
        }
    }

    /// The context of a read by which a load waits for its first answer.
    pub fn new_waiting_read(deadline: Instant) -> Self {
        Self { is_waiting_read: true, ..Self::new_root(deadline) }
    }

    /// Reads the headers. A missing or malformed one counts as in a request that starts at its
    /// sender.
    pub fn from_headers(headers: &HeaderMap, now: Instant) -> Self {
        let remaining = parse_header(headers, DEADLINE).map_or(MAX_DEADLINE, Duration::from_millis);
        Self {
            trace: TraceContext::from_headers(headers).unwrap_or_else(TraceContext::random),
            deadline: now + remaining.min(MAX_DEADLINE),
            request_id: parse_header(headers, HEADER_REQUEST_ID)
                .unwrap_or_else(|| RequestId::new(rand::random())),
            is_repeated: headers.contains_key(HEADER_REPEATED),
            hops: parse_header(headers, HOPS).unwrap_or(0),
            is_waiting_read: headers.contains_key(HEADER_WAITING_READ),
        }
    }

    /// Whether the request counts as traffic: always, except for a waiting read that failed.
    pub fn is_traffic(&self, failed: bool) -> bool {
        !(self.is_waiting_read && failed)
    }

    /// Checks that the request may be answered here.
    ///
    /// # Errors
    /// If it has passed [`MAX_HOPS`] components or more.
    pub fn check_hops(&self) -> Result<(), HopLimitError> {
        if self.hops >= MAX_HOPS { Err(HopLimitError) } else { Ok(()) }
    }

    /// The deadline of a request that this one sends to an upstream.
    pub fn upstream_deadline(&self, now: Instant) -> Instant {
        let left = self.deadline.saturating_duration_since(now);
        now + (left - left / RESERVE_FRACTION)
    }

    /// The headers of a request that this one sends to an upstream.
    pub fn upstream_headers(&self, now: Instant) -> HeaderMap {
        let left = self.upstream_deadline(now).saturating_duration_since(now);
        let mut headers = HeaderMap::new();
        headers.insert(HOPS, HeaderValue::from(u16::from(self.hops) + 1));
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        headers.insert(DEADLINE, HeaderValue::from(millis));
        if self.is_waiting_read {
            headers.insert(HEADER_WAITING_READ, HeaderValue::from_static("1"));
        }
        if let Ok(id) = HeaderValue::try_from(self.request_id.to_string()) {
            headers.insert(HEADER_REQUEST_ID, id);
        }
        if self.is_repeated {
            headers.insert(HEADER_REPEATED, HeaderValue::from_static("1"));
        }
        self.trace.inject_into(&mut headers);
        headers
    }
}

fn parse_header<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_can_shorten_the_deadline_but_not_extend_it() {
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
    fn all_attempts_on_all_hops_have_one_id() {
        let now = Instant::now();
        let first = RequestContext::new_root(now + MAX_DEADLINE);
        let next = RequestContext::from_headers(&first.upstream_headers(now), now);
        assert_eq!((next.request_id, next.is_repeated), (first.request_id, false));
        let again = RequestContext { is_repeated: true, ..first.clone() };
        let next = RequestContext::from_headers(&again.upstream_headers(now), now);
        assert_eq!((next.request_id, next.is_repeated), (first.request_id, true));
        assert_ne!(RequestContext::new_root(now).request_id, first.request_id);
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
