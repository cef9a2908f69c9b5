//! W3C Trace Context, <https://www.w3.org/TR/trace-context/>.
//!
//! No spans are recorded, so that both headers are passed on unchanged: a new parent would name a
//! span that no tracing system has.

use hyper::{HeaderMap, header::HeaderValue};

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

/// The trace that a request belongs to; none if its client names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceContext {
    parent: Option<HeaderValue>,
    /// The `tracestate`; none without a valid parent.
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// The trace that the headers name; none if it is missing or malformed.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        match headers.get(TRACEPARENT).filter(|parent| is_traceparent(parent.as_bytes())) {
            Some(parent) => Self { parent: Some(parent.clone()), state: merge_tracestate(headers) },
            None => Self::default(),
        }
    }

    /// Adds the headers of a request to an upstream.
    pub(super) fn inject_into(&self, headers: &mut HeaderMap) {
        if let Some(parent) = &self.parent {
            headers.insert(TRACEPARENT, parent.clone());
        }
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        }
    }
}

/// The members of all `tracestate` headers in their order, as one header. Above the limits it drops
/// members in the order of the specification: large ones first, then those at the end.
fn merge_tracestate(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(TRACESTATE)?;
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

/// Whether this is a `traceparent`: `<version>-<trace>-<span>-<flags>`, in lower-case hexadecimal
/// digits, neither trace nor span zero. Later versions may add fields at the end; the specification
/// forbids version 255.
fn is_traceparent(text: &[u8]) -> bool {
    let mut fields = text.split(|byte| *byte == b'-');
    let version = fields.next().unwrap_or_default();
    let mut is_next_hex =
        |digits| fields.next().is_some_and(|field| is_hex(field, digits) && !is_zero(field));
    let is_complete = is_hex(version, 2) && version != b"ff" && is_next_hex(32) && is_next_hex(16);
    is_complete
        && fields.next().is_some_and(|flags| is_hex(flags, 2))
        && (version != b"00" || fields.next().is_none())
}

fn is_hex(field: &[u8], digits: usize) -> bool {
    field.len() == digits && field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(field: &[u8]) -> bool {
    field.iter().all(|byte| *byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn malformed_traces_are_ignored() {
        let is_valid = |text: &str| is_traceparent(text.as_bytes());
        assert!(is_valid(PARENT));
        let long = format!("{PARENT}-x");
        assert!(!is_valid(&long), "version 0 has no more fields");
        assert!(is_valid(&long.replacen("00", "01", 1)), "later ones may");
        let upper = PARENT.to_uppercase();
        let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let version = PARENT.replacen("00", "ff", 1);
        for bad in ["", "00", &PARENT[..54], &upper, zero, span, &version, "é"] {
            assert!(!is_valid(bad), "{bad:?} passed");
        }
    }

    fn propagate(parent: &str, states: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, parent.parse().unwrap());
        for state in states {
            headers.append(TRACESTATE, state.parse().unwrap());
        }
        let mut below = HeaderMap::new();
        TraceContext::from_headers(&headers).inject_into(&mut below);
        assert!(below.get(TRACEPARENT).is_none_or(|passed| passed == parent), "unchanged");
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
