//! RESP2 and RESP3, the Redis serialization protocol: requests parsed, replies written.
//!
//! It never waits, reads no socket and executes no command. The texts of errors are those of Redis,
//! because clients match them. See <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

mod inline;
mod reply;
mod request;

pub(crate) use reply::{Reply, RespVersion};
pub(crate) use request::{ProtocolError, Request, RequestParser};

/// Arguments of one request, the command's name among them.
pub(crate) const MAX_ARGS: usize = 65_536;
/// Bytes of one argument.
pub(crate) const MAX_ARG: usize = 1024 * 1024;
/// Bytes of one request: room for `SET key <value> IFEQ <value>` with the largest values.
pub(crate) const MAX_REQUEST: usize = 2 * MAX_ARG + 64 * 1024;
/// Bytes of a line: an inline request, or the length in front of an argument.
pub(crate) const MAX_LINE: usize = 64 * 1024;
