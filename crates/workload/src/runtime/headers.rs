//! What travels with a request from hop to hop: the trace, the deadline and the count of hops.

use hyper::{HeaderMap, header::HeaderValue};
use std::{fmt, time::Duration};
use tokio::time::Instant;

/// W3C Trace Context, <https://www.w3.org/TR/trace-context/>.
pub const TRACEPARENT: &str = "traceparent";
/// How many milliseconds the caller still waits.
pub const DEADLINE: &str = "maquette-deadline-ms";
/// How many nodes the request has passed.
pub const HOPS: &str = "maquette-hops";

/// How long a request may take. A caller may ask for less, never for more. It is long enough for a
/// store to be restarted meanwhile, and short enough for a pod that drains.
pub const LONGEST: Duration = Duration::from_secs(10);
/// How many nodes a request may pass: more than any model that is not a loop has in a row.
pub const MAX_HOPS: u8 = 32;
/// The share of the time left that a caller keeps for itself, so that the answer of a node below,
/// also the one that its time is over, still gets up: one part in so many.
const KEPT: u32 = 20;

/// The request has passed too many nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has passed {MAX_HOPS} nodes: the calls run in a circle")]
pub struct TooManyHops;

/// What came with a request.
#[derive(Clone, Copy, Debug)]
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
            trace: text(TRACEPARENT).and_then(Trace::parse).unwrap_or_else(Trace::random),
            deadline: now + asked.min(LONGEST),
            hops: text(HOPS).and_then(|hops| hops.parse().ok()).unwrap_or(0),
        }
    }

    /// Whether the request may be answered here at all.
    ///
    /// # Errors
    /// If it has passed too many nodes.
    pub fn check_hops(&self) -> Result<(), TooManyHops> {
        if self.hops >= MAX_HOPS { Err(TooManyHops) } else { Ok(()) }
    }

    /// The time at which a node below must have answered.
    pub fn deadline_below(&self, now: Instant) -> Instant {
        let left = self.deadline.saturating_duration_since(now);
        now + (left - left / KEPT)
    }

    /// The headers of a request to a node below.
    pub fn headers_below(&self, now: Instant) -> HeaderMap {
        let left = self.deadline_below(now).saturating_duration_since(now);
        let mut headers = HeaderMap::new();
        headers.insert(HOPS, HeaderValue::from(u16::from(self.hops) + 1));
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        headers.insert(DEADLINE, HeaderValue::from(millis));
        // Hexadecimal digits and dashes are always a value.
        if let Ok(value) = HeaderValue::from_str(&self.trace.child().to_string()) {
            headers.insert(TRACEPARENT, value);
        }
        headers
    }
}

/// A `traceparent`: as text `00-<trace>-<span>-<flags>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    trace: u128,
    span: u64,
    flags: u8,
}

impl Trace {
    /// A trace that begins here, not sampled.
    fn random() -> Self {
        let (trace, span) = (rand::random_range(1..=u128::MAX), rand::random_range(1..=u64::MAX));
        Self { trace, span, flags: 0 }
    }

    /// Another span of the same trace.
    fn child(self) -> Self {
        Self { span: rand::random_range(1..=u64::MAX), ..self }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace = hex(fields.next()?, 32).filter(|trace| *trace != 0)?;
        let span = hex(fields.next()?, 16).filter(|span| *span != 0)?;
        let flags = hex(fields.next()?, 2)?;
        // Later versions may add fields behind these; version 255 is forbidden.
        if version == 0xff || (version == 0 && fields.next().is_some()) {
            return None;
        }
        Some(Self { trace, span: u64::try_from(span).ok()?, flags: u8::try_from(flags).ok()? })
    }
}

/// So many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let good = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let good = text.len() == digits && text.chars().all(good);
    good.then(|| u128::from_str_radix(text, 16).ok())?
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_is_kept_with_a_new_span_at_each_hop() {
        let trace = Trace::parse(PARENT).unwrap();
        assert_eq!(trace.to_string(), PARENT);
        let child = trace.child().to_string();
        assert_eq!((&child[..36], &child[52..]), (&PARENT[..36], "-01"));
        assert_ne!(child, PARENT);
        assert!(Trace::parse(&child).is_some());
    }

    #[test]
    fn malformed_traces_are_not_taken() {
        let long = format!("{PARENT}-x");
        assert!(Trace::parse(&long).is_none(), "version 0 has no more fields");
        assert!(Trace::parse(&long.replacen("00", "01", 1)).is_some(), "later ones may");
        let upper = PARENT.to_uppercase();
        let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let version = PARENT.replacen("00", "ff", 1);
        for bad in ["", "00", &PARENT[..54], &upper, zero, span, &version, "é"] {
            assert!(Trace::parse(bad).is_none(), "{bad:?} passed");
        }
        let context = Context::from_headers(&HeaderMap::new(), Instant::now());
        assert!(Trace::parse(&context.trace.to_string()).is_some(), "a new one is made");
    }

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
