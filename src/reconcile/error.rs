//! What can go wrong with the work on an Architecture.

use crate::observe::{Trouble, TroubleKind};

/// Why the work on an Architecture ended before its end. It is tried again, later each time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The API server could not be asked.
    #[error("the API server does not answer")]
    Unreachable(#[source] Box<kube::Error>),
    /// It took too long.
    #[error("the work was not done within {0} s")]
    TooSlow(u64),
    /// The API server would not take something; the status says it too.
    #[error("{0}")]
    Refused(String),
    /// The Architecture has no name, namespace or UID, or a name that is too long.
    #[error("{0}")]
    NoIdentity(String),
}

/// The outcome of a call: done, or a trouble that the status tells, or an end of all work.
pub(super) enum Failure {
    /// Only this object is concerned.
    Trouble(Trouble),
    /// The API server could not be asked.
    Unreachable(Box<kube::Error>),
}

impl Failure {
    pub(super) fn trouble(kind: TroubleKind, message: impl Into<String>) -> Self {
        Self::Trouble(Trouble { kind, message: message.into() })
    }

    /// What a failed call means for the object `what`.
    pub(super) fn of(what: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code < 500 => Self::trouble(
                TroubleKind::Failed,
                format!("{what}: the API server refused it: {}", status.message),
            ),
            error => Self::Unreachable(Box::new(error)),
        }
    }
}
