//! HTTP/1.1 between components, both ends.
//!
//! Owns the headers that travel with a request ([`headers`]), calls to other components
//! ([`Upstream`]) and the server that stops gracefully ([`serve`]). Never interprets paths or
//! bodies.

mod connections;
pub mod headers;
mod recipient;
pub mod serve;
mod trace;
mod tries;
mod upstream;

pub use recipient::{add_recipient, check_recipient, misdirected_reason};
pub(crate) use upstream::{CONNECT_OPTIONS, PING_PATH, RETRY_BACKOFF, host_header};
pub use upstream::{CallError, CallRequest, CallResponse, Upstream};
