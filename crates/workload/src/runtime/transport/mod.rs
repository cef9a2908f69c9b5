//! HTTP/1.1 between components, both ends.
//!
//! Owns the headers that travel with a request ([`headers`]), calls to other components
//! ([`Upstream`]) and the server that stops gracefully ([`serve`]). Never interprets paths or
//! bodies.

mod call;
pub mod headers;
mod recipient;
pub mod serve;
mod trace;
mod tries;
mod upstream;

pub use call::{CallError, CallRequest, CallResponse};
pub use recipient::{add_recipient, check_recipient, misdirected_reason};
pub(crate) use tries::RETRY_BACKOFF;
pub use upstream::Upstream;
pub(crate) use upstream::{CONNECT_OPTIONS, PING_PATH, host_header};
