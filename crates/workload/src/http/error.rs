//! The error of a request, with the status of its answer.

use crate::backend::BackendError;
use axum::http::StatusCode;

/// A failed request, as its answer reports it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// 4xx if the request is at fault, else 5xx.
    pub status: StatusCode,
    /// What failed and, where possible, what to do about it.
    pub message: String,
}

impl HttpError {
    /// An error with any status; the other constructors name theirs.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// 400: the request is malformed.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: no such path, item or owner.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 502: a backend or component cannot be reached, or its answer cannot be used.
    pub fn bad_gateway(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, message)
    }

    /// 503: temporarily impossible; the answer carries `Retry-After`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 504: the deadline has passed.
    pub fn gateway_timeout(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, message)
    }
}

/// Whether an answer with this status shows that the component, or one below it, fails. 501 does
/// not: the component works and cannot do what is requested.
pub fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

impl From<BackendError> for HttpError {
    fn from(error: BackendError) -> Self {
        let status = match &error {
            BackendError::Invalid(_) => StatusCode::BAD_REQUEST,
            BackendError::Unreachable(_) | BackendError::BadReply(_) | BackendError::Damaged(_) => {
                StatusCode::BAD_GATEWAY
            }
            BackendError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            BackendError::DeadlineExceeded(_) => StatusCode::GATEWAY_TIMEOUT,
            BackendError::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
        };
        Self::new(status, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_error_has_a_status_and_keeps_its_message() {
        for (error, status) in [
            (BackendError::Invalid("why".to_owned()), 400),
            (BackendError::Unreachable("why".to_owned()), 502),
            (BackendError::BadReply("why".to_owned()), 502),
            (BackendError::Damaged("why".to_owned()), 502),
            (BackendError::Unavailable("why".to_owned()), 503),
            (BackendError::DeadlineExceeded("why".to_owned()), 504),
            (BackendError::PreconditionFailed("why".to_owned()), 412),
        ] {
            let HttpError { status: got, message } = HttpError::from(error);
            assert_eq!((got.as_u16(), message.as_str()), (status, "why"));
        }
    }
}
