//! The error of a query to a backend.

use crate::runtime::CallError;
use maquette_contract::{ItemKey, Version};
use std::fmt::Display;

/// Why a backend gives no answer. Each variant carries a message for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BackendError {
    /// The value of a write cannot be stored; a repeat fails too.
    #[error("{0}")]
    Invalid(String),
    /// No connection until the deadline.
    #[error("{0}")]
    Unreachable(String),
    /// The backend refuses the query, or its reply cannot be used.
    #[error("{0}")]
    BadReply(String),
    /// Temporarily impossible: too few replicas answer, or too many concurrent writes.
    #[error("{0}")]
    Unavailable(String),
    /// No reply until the deadline; the backend may have seen the query.
    #[error("{0}")]
    DeadlineExceeded(String),
    /// The item is damaged where it is kept.
    #[error("{0}")]
    Damaged(String),
    /// The precondition of a write does not hold; it was not made.
    #[error("{0}")]
    PreconditionFailed(String),
}

impl BackendError {
    /// The same error, with `context: ` before its message.
    pub(super) fn with_context(mut self, context: impl Display) -> Self {
        let (Self::Invalid(message)
        | Self::Unreachable(message)
        | Self::BadReply(message)
        | Self::Unavailable(message)
        | Self::DeadlineExceeded(message)
        | Self::Damaged(message)
        | Self::PreconditionFailed(message)) = &mut self;
        *message = format!("{context}: {message}");
        self
    }
}

impl BackendError {
    /// The precondition of a write of `key` does not hold: the item has the version `current`.
    pub(crate) fn precondition_failed(key: &ItemKey, current: Option<&Version>) -> Self {
        Self::PreconditionFailed(match current {
            Some(version) => format!("{key} has the version {version}: the write was not made"),
            None => format!("{key} does not exist: the write was not made"),
        })
    }
}

impl BackendError {
    /// A write of `key` was sent before, and its outcome cannot be known: it is not made again.
    pub(crate) fn unknown_outcome(key: &ItemKey) -> Self {
        Self::Unavailable(format!(
            "the write of {key} was sent before, and its outcome is not known: read the item before \
             you write it again"
        ))
    }
}

impl From<CallError> for BackendError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TimedOut { .. } => Self::DeadlineExceeded(error.to_string()),
            CallError::Unreachable { .. } | CallError::Misdirected { .. } => {
                Self::Unreachable(error.to_string())
            }
            CallError::Invalid { .. } => Self::BadReply(error.to_string()),
        }
    }
}
