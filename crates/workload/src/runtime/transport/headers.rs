//! The headers that travel with a request from hop to hop: trace, id, deadline, hop count, budget of
//! calls, and the mark of a waiting read.
//!
//! Only a request that names this component as its recipient comes from a component of the model.
//! What others send is bounded: no header of theirs makes this component fail.

pub use super::trace::{TRACEPARENT, TRACESTATE, TraceContext};

use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
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
/// The calls that a summary may still make, over all components below the receiver.
pub const CALL_BUDGET: &str = "maquette-call-budget";
/// The id of a request in the logs of its client; the answer has it too.
pub const X_REQUEST_ID: &str = "x-request-id";

/// The longest time for a request; callers can only shorten it. A store restarts within it, and a
/// pod that drains waits for it.
pub const MAX_DEADLINE: Duration = Duration::from_secs(10);
/// The shortest deadline that is taken over from a user: with less time, components that work would
/// fail.
pub const MIN_USER_DEADLINE: Duration = Duration::from_secs(1);
/// The calls of a summary, over all components. 24 services that all call all below would make
/// 2^23.
pub const MAX_CALL_BUDGET: u32 = 1000;
/// The longest [`X_REQUEST_ID`] that is taken over, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;
/// The most components that a request may pass: more than any model without a loop has in a row.
pub const MAX_HOPS: u8 = 32;
/// Each hop reserves this fraction (1/20) of the remaining time, so that the upstream's answer,
/// also its time-out error, still reaches the caller.
const RESERVE_FRACTION: u32 = 20;
/// About the number of headers of a request to an upstream.
const MAX_HEADERS: usize = 12;

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
    /// The calls that a summary may still make.
    pub call_budget: u32,
    sender: Sender,
    /// [`X_REQUEST_ID`].
    x_request_id: Option<HeaderValue>,
    /// The header of the precondition that a write below is made under.
    precondition: Option<(HeaderName, HeaderValue)>,
    hops: u8,
    /// Whether it has [`HEADER_WAITING_READ`].
    is_waiting_read: bool,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A component of this model, which named the recipient.
    Component,
    /// Anybody else.
    User,
}

impl RequestContext {
    /// The context of a request that starts here.
    pub fn new_root(deadline: Instant) -> Self {
        Self {
            trace: TraceContext::default(),
            deadline,
            request_id: RequestId::new(rand::random()),
            is_repeated: false,
            call_budget: MAX_CALL_BUDGET,
            sender: Sender::User,
            x_request_id: None,
            precondition: None,
            hops: 0,
            is_waiting_read: false,
        }
    }

    /// The context of a read by which a load waits for its first answer.
    pub fn new_waiting_read(deadline: Instant) -> Self {
        Self { is_waiting_read: true, ..Self::new_root(deadline) }
    }

    /// Reads the headers. A missing or malformed one counts as in a request that starts at its
    /// sender; so do those of a user that only components may set.
    pub fn from_headers(headers: &HeaderMap, sender: Sender, now: Instant) -> Self {
        let remaining = parse_header(headers, DEADLINE).map_or(MAX_DEADLINE, Duration::from_millis);
        let root = Self {
            trace: TraceContext::from_headers(headers),
            x_request_id: headers.get(X_REQUEST_ID).filter(|id| is_request_id(id)).cloned(),
            ..Self::new_root(now + remaining.min(MAX_DEADLINE))
        };
        match sender {
            Sender::User => Self { deadline: root.deadline.max(now + MIN_USER_DEADLINE), ..root },
            Sender::Component => Self {
                call_budget: parse_header(headers, CALL_BUDGET)
                    .unwrap_or(MAX_CALL_BUDGET)
                    .min(MAX_CALL_BUDGET),
                request_id: parse_header(headers, HEADER_REQUEST_ID).unwrap_or(root.request_id),
                is_repeated: headers.contains_key(HEADER_REPEATED),
                hops: parse_header(headers, HOPS).unwrap_or(0),
                is_waiting_read: headers.contains_key(HEADER_WAITING_READ),
                sender,
                ..root
            },
        }
    }

    /// The same request, sent on as a write under a precondition.
    pub fn with_precondition(&self, header: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { precondition: header, ..self.clone() }
    }

    /// Moves the deadline of a user by the time that its body took to arrive. That of a component is
    /// the time at which it stops waiting.
    pub fn add_receiving_time(&mut self, took: Duration) {
        if self.sender == Sender::User {
            self.deadline += took;
        }
    }

    /// The same request with another budget of calls.
    pub fn with_call_budget(&self, call_budget: u32) -> Self {
        Self { call_budget, ..self.clone() }
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
        let mut headers = HeaderMap::with_capacity(MAX_HEADERS);
        headers.insert(HOPS, HeaderValue::from(u16::from(self.hops) + 1));
        if self.call_budget != MAX_CALL_BUDGET {
            headers.insert(CALL_BUDGET, HeaderValue::from(self.call_budget));
        }
        if let Some(id) = &self.x_request_id {
            headers.insert(X_REQUEST_ID, id.clone());
        }
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        headers.insert(DEADLINE, HeaderValue::from(millis));
        if let Some((name, value)) = &self.precondition {
            headers.insert(name, value.clone());
        }
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

/// A new [`X_REQUEST_ID`].
pub fn random_request_id() -> HeaderValue {
    let id = format!("{:032x}", rand::random::<u128>());
    // Hexadecimal digits are always valid in a header.
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Whether an [`X_REQUEST_ID`] of a client can be passed on and written into logs.
pub fn is_request_id(id: &HeaderValue) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:+/=@,".contains(byte);
    (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.as_bytes().iter().all(is_allowed)
}

fn parse_header<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(headers: &[(&'static str, &'static str)], sender: Sender) -> RequestContext {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        RequestContext::from_headers(&headers.collect(), sender, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_can_shorten_the_deadline_but_not_extend_it() {
        let now = Instant::now();
        let with = |millis| context(&[(DEADLINE, millis)], Sender::Component);
        assert_eq!(with("300").deadline - now, Duration::from_millis(300));
        assert_eq!(with("99999999").deadline - now, MAX_DEADLINE);
        assert_eq!(with("soon").deadline - now, MAX_DEADLINE);
        assert_eq!(with("300").upstream_headers(now)[DEADLINE], "285");
        assert_eq!(with("0").upstream_headers(now)[DEADLINE], "0");
    }

    #[tokio::test(start_paused = true)]
    async fn headers_of_users_are_bounded() {
        let now = Instant::now();
        for (millis, expected) in [("0", 1000), ("1500", 1500), ("60000", 10_000), ("-1", 10_000)] {
            let left = context(&[(DEADLINE, millis)], Sender::User).deadline - now;
            assert_eq!(left.as_millis(), expected, "{millis}");
        }
        let given = [(HOPS, "32"), (CALL_BUDGET, "0"), (HEADER_WAITING_READ, "1")];
        let user = context(&given, Sender::User);
        assert_eq!((user.check_hops(), user.call_budget), (Ok(()), MAX_CALL_BUDGET));
        assert!(user.is_traffic(true));
        let component = context(&given, Sender::Component);
        assert_eq!((component.check_hops(), component.call_budget), (Err(HopLimitError), 0));
        assert!(!component.is_traffic(true));
        assert_eq!(context(&[(CALL_BUDGET, "4000000")], Sender::Component).call_budget, 1000);
    }

    #[test]
    fn a_request_id_is_passed_on_if_it_is_short_and_plain() {
        let passed = |id: &str| {
            let headers = [(HeaderName::from_static(X_REQUEST_ID), id.parse().unwrap())];
            let headers = headers.into_iter().collect();
            let now = Instant::now();
            let context = RequestContext::from_headers(&headers, Sender::User, now);
            context.upstream_headers(now).get(X_REQUEST_ID).cloned()
        };
        for good in ["1", "Root=1-67891233-abcdef012345678912345678", &"x".repeat(128)] {
            assert_eq!(passed(good).unwrap(), good);
        }
        for bad in ["", "a b", "{\"a\":1}", "a;b", &"x".repeat(129)] {
            assert_eq!(passed(bad), None, "{bad:?}");
        }
        assert!(is_request_id(&random_request_id()));
    }

    #[test]
    fn all_attempts_on_all_hops_have_one_id() {
        let now = Instant::now();
        let first = RequestContext::new_root(now + MAX_DEADLINE);
        let received = |sent: &RequestContext, sender| {
            RequestContext::from_headers(&sent.upstream_headers(now), sender, now)
        };
        let next = received(&first, Sender::Component);
        assert_eq!((next.request_id, next.is_repeated), (first.request_id, false));
        let again = RequestContext { is_repeated: true, ..first.clone() };
        let next = received(&again, Sender::Component);
        assert_eq!((next.request_id, next.is_repeated), (first.request_id, true));
        // Each request of a user is another one.
        let user = received(&again, Sender::User);
        assert!(user.request_id != first.request_id && !user.is_repeated);
    }

    #[test]
    fn hops_are_counted_and_limited() {
        let now = Instant::now();
        let mut context = RequestContext::new_root(now + MAX_DEADLINE);
        for _ in 0..MAX_HOPS {
            assert_eq!(context.check_hops(), Ok(()));
            let headers = context.upstream_headers(now);
            context = RequestContext::from_headers(&headers, Sender::Component, now);
        }
        assert_eq!(context.check_hops(), Err(HopLimitError));
    }
}
