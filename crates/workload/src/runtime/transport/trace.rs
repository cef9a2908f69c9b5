//! W3C Trace Context, <https://www.w3.org/TR/trace-context/>.

use hyper::{HeaderMap, header::HeaderValue};
use std::fmt;

/// The header with the trace and the caller's span.
pub const TRACEPARENT: &str = "traceparent";
/// The header with the data of tracing vendors.
pub const TRACESTATE: &str = "tracestate";

/// The most bytes of a `tracestate` that are propagated: the least that the specification demands.
const MAX_STATE_BYTES: usize = 512;
/// The most members of a `tracestate`.
const MAX_MEMBERS: usize = 32;
/// Members larger than this are dropped first.
const LARGE_MEMBER_BYTES: usize = 128;

/// The trace that a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: TraceParent,
    /// The `tracestate`, propagated as it is; none without a valid parent.
    state: Option<HeaderValue>,
}

/// A `traceparent`; its text is `00-<trace>-<span>-<flags>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

impl TraceContext {
    /// A new trace, without state.
    pub(super) fn random() -> Self {
        Self { parent: TraceParent::random(), state: None }
    }

    /// The trace that the headers name; none if it is missing or malformed.
    pub(super) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(TRACEPARENT)?.to_str().ok()?;
        Some(Self { parent: TraceParent::parse(text)?, state: merge_tracestate(headers) })
    }

    /// Adds the headers of a request to an upstream, with a new span.
    pub(super) fn inject_into(&self, headers: &mut HeaderMap) {
        // Hexadecimal digits and dashes are always valid in a header.
        if let Ok(parent) = HeaderValue::from_str(&self.parent.child_span().to_string()) {
            headers.insert(TRACEPARENT, parent);
            self.state.clone().map(|state| headers.insert(TRACESTATE, state));
        }
    }
}

/// The members of all `tracestate` headers in their order, as one header. Above the limits it drops
/// members in the order of the specification: large ones first, then those at the end.
fn merge_tracestate(headers: &HeaderMap) -> Option<HeaderValue> {
    let values = headers.get_all(TRACESTATE).iter();
    let values: Vec<&str> = values.map(HeaderValue::to_str).collect::<Result<_, _>>().ok()?;
    let members = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let mut members: Vec<&str> = members.filter(|member| !member.is_empty()).collect();
    if joined_length(&members) > MAX_STATE_BYTES {
        members.retain(|member| member.len() <= LARGE_MEMBER_BYTES);
    }
    members.truncate(MAX_MEMBERS);
    while joined_length(&members) > MAX_STATE_BYTES {
        members.pop();
    }
    (!members.is_empty()).then(|| HeaderValue::from_str(&members.join(",")).ok())?
}

/// The length of these members, joined by commas.
fn joined_length(members: &[&str]) -> usize {
    members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1)
}

impl TraceParent {
    /// The parent in a new trace, not sampled.
    fn random() -> Self {
        let (trace, span) = (rand::random_range(1..=u128::MAX), rand::random_range(1..=u64::MAX));
        Self { trace, span, flags: 0 }
    }

    /// A new span of the same trace.
    fn child_span(self) -> Self {
        Self { span: rand::random_range(1..=u64::MAX), ..self }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let version = parse_hex(fields.next()?, 2)?;
        let trace = parse_hex(fields.next()?, 32).filter(|trace| *trace != 0)?;
        let span = parse_hex(fields.next()?, 16).filter(|span| *span != 0)?;
        let flags = parse_hex(fields.next()?, 2)?;
        // Later versions may add fields at the end; the specification forbids version 255.
        if version == 0xff || (version == 0 && fields.next().is_some()) {
            return None;
        }
        Some(Self { trace, span: u64::try_from(span).ok()?, flags: u8::try_from(flags).ok()? })
    }
}

/// A number of exactly `digits` lower-case hexadecimal digits.
fn parse_hex(text: &str, digits: usize) -> Option<u128> {
    let is_lower_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_lower_hex && text.len() == digits).then(|| u128::from_str_radix(text, 16).ok())?
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn each_hop_gets_a_new_span_of_the_same_trace() {
        let trace = TraceParent::parse(PARENT).unwrap();
        assert_eq!(trace.to_string(), PARENT);
        let child = trace.child_span().to_string();
        assert_eq!((&child[..36], &child[52..]), (&PARENT[..36], "-01"));
        assert_ne!(child, PARENT);
        assert!(TraceParent::parse(&child).is_some());
    }

    #[test]
    fn malformed_traces_are_ignored() {
        let long = format!("{PARENT}-x");
        assert!(TraceParent::parse(&long).is_none(), "version 0 has no more fields");
        assert!(TraceParent::parse(&long.replacen("00", "01", 1)).is_some(), "later ones may");
        let upper = PARENT.to_uppercase();
        let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let version = PARENT.replacen("00", "ff", 1);
        for bad in ["", "00", &PARENT[..54], &upper, zero, span, &version, "é"] {
            assert!(TraceParent::parse(bad).is_none(), "{bad:?} passed");
        }
        let made = TraceContext::random().parent.to_string();
        assert!(TraceParent::parse(&made).is_some(), "{made}");
    }

    fn propagate(parent: &str, states: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, parent.parse().unwrap());
        for state in states {
            headers.append(TRACESTATE, state.parse().unwrap());
        }
        let mut below = HeaderMap::new();
        TraceContext::from_headers(&headers)
            .unwrap_or_else(TraceContext::random)
            .inject_into(&mut below);
        assert_eq!(below.get_all(TRACEPARENT).iter().count(), 1);
        below.get(TRACESTATE).map(|state| state.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_state_is_propagated_only_with_a_valid_parent() {
        let states = ["congo=t61rcWkgMzE, ,rojo=1", "other=x"];
        let propagated = propagate(PARENT, &states);
        assert_eq!(propagated.as_deref(), Some("congo=t61rcWkgMzE,rojo=1,other=x"));
        assert_eq!(propagate("00-broken", &states), None);
        assert_eq!(propagate(PARENT, &[]), None);
        assert_eq!(propagate(PARENT, &["", " , "]), None);
    }

    #[test]
    fn above_the_limit_large_members_are_dropped_first_then_the_last_ones() {
        let large = format!("large={}", "x".repeat(LARGE_MEMBER_BYTES));
        assert_eq!(propagate(PARENT, &[&large]).as_deref(), Some(large.as_str()));
        let small: Vec<String> = (0..40).map(|it| format!("m{it:02}={}", "x".repeat(20))).collect();
        let propagated = propagate(PARENT, &[&large, &small.join(",")]).unwrap();
        assert_eq!(propagated, small[..20].join(","), "as many as fit");
        let tiny: Vec<String> = (0..40).map(|it| format!("m{it:02}=x")).collect();
        assert_eq!(propagate(PARENT, &[&tiny.join(",")]).unwrap(), tiny[..32].join(","));
    }
}
