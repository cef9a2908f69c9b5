//! A call to another component, its response and its errors.

use super::headers::RequestContext;
use hyper::{Method, Response, StatusCode, body::Bytes, http::uri::PathAndQuery};
use maquette_contract::Address;
use std::time::Duration;

/// A request to another component. A write that is sent again is marked as repeated.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The method.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: String,
    /// Trace, deadline and hops so far. Each attempt computes its headers from it.
    pub context: RequestContext,
    /// The body, JSON; empty for none.
    pub body: Bytes,
}

/// A response with any status.
#[derive(Clone, Debug)]
pub struct CallResponse {
    /// The status code, also 4xx and 5xx.
    pub status: StatusCode,
    /// The complete body, at most 32 MiB.
    pub body: Bytes,
}

/// Why a call has no response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Every attempt until the deadline failed at its connection.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// The address that was called.
        address: Address,
        /// The error of the last attempt.
        reason: String,
    },
    /// Another component answers at the address, until the deadline.
    #[error("{address} {reason}")]
    Misdirected {
        /// The address that was called.
        address: Address,
        /// Whose the address is, as the component there says.
        reason: String,
    },
    /// The target accepted the request and did not respond before the deadline.
    #[error("{address} did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// The address that was called.
        address: Address,
        /// The time from the call's start to its deadline.
        after: Duration,
    },
    /// The request cannot be built or the response cannot be used; a retry cannot help.
    #[error("cannot call {address}: {reason}")]
    Invalid {
        /// The address that was called.
        address: Address,
        /// The error, with its causes.
        reason: String,
    },
}

impl CallRequest {
    pub(super) fn path_and_query(&self) -> Result<PathAndQuery, TryError> {
        PathAndQuery::from_maybe_shared(self.path.clone())
            .map_err(|error| TryError::Permanent(error.to_string()))
    }
}

impl From<Response<Bytes>> for CallResponse {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, body }
    }
}

/// How one try failed.
#[derive(Debug)]
pub(super) enum TryError {
    /// There is no connection: the target has not seen the request.
    NotSent(String),
    /// The connection failed after the request was sent.
    Interrupted(String),
    /// The connection led to another component, such as one that has the address of a pod that
    /// was deleted: a new connection may lead elsewhere (RFC 9110, 15.5.20).
    Misdirected(String),
    /// The request cannot be built or the response cannot be used.
    Permanent(String),
}
