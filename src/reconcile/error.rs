//! What can go wrong with the work on an Architecture.

use crate::observe::{Issue, IssueKind};
use std::time::Duration;

/// Why the work on an Architecture ended before its end. It is tried again, later each time.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    /// The API server could not be asked.
    #[error("the API server does not answer")]
    Unreachable(#[source] Box<kube::Error>),
    /// It took too long.
    #[error("the work was not done within {0} s")]
    DeadlineExceeded(u64),
    /// The API server would not take something; the status says it too.
    #[error("{0}")]
    Refused(String),
    /// The Architecture has no name, namespace or UID, or a name that is too long.
    #[error("{0}")]
    InvalidIdentity(String),
}

impl ReconcileError {
    /// The longest wait before the next attempt. That nobody answers is no fault of the
    /// Architecture, and may end at any moment.
    pub(super) fn max_backoff(&self) -> Duration {
        match self {
            Self::Unreachable(_) => Duration::from_secs(10),
            Self::DeadlineExceeded(_) | Self::Refused(_) | Self::InvalidIdentity(_) => {
                Duration::from_secs(60)
            }
        }
    }
}

/// The outcome of a call: done, or a trouble that the status tells, or an end of all work.
pub(super) enum ApplyError {
    /// Only this object is concerned.
    Issue(Issue),
    /// The API server could not be asked.
    Unreachable(Box<kube::Error>),
}

impl ApplyError {
    pub(super) fn from_issue(kind: IssueKind, message: impl Into<String>) -> Self {
        Self::Issue(Issue { kind, message: message.into() })
    }

    /// What a failed call means for the object `what`.
    pub(super) fn from_kube(what: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code < 500 && !is_busy(status.code) => {
                Self::from_issue(
                    IssueKind::Failed,
                    format!("{what}: the API server refused it: {}", status.message),
                )
            }
            kube::Error::SerdeError(error) => Self::from_issue(
                IssueKind::Unreadable,
                format!(
                    "this version of Maquette cannot read {what}: {error}. Change or delete that \
                     object"
                ),
            ),
            error => Self::Unreachable(Box::new(error)),
        }
    }
}

/// The API server has too much to do: 408 and 429 say nothing of the object.
fn is_busy(code: u16) -> bool {
    matches!(code, 408 | 429)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn failure(code: u16) -> ApplyError {
        let status = Status { code, message: "so it is".to_owned(), ..Status::default() };
        ApplyError::from_kube("Service shop", kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn what_is_refused_is_told_and_a_busy_api_server_refuses_nothing() {
        for code in [400, 403, 409, 422] {
            let ApplyError::Issue(trouble) = failure(code) else { panic!("{code}: no trouble") };
            assert_eq!(trouble.kind, IssueKind::Failed);
            assert_eq!(trouble.message, "Service shop: the API server refused it: so it is");
        }
        for code in [408, 429, 500, 503] {
            assert!(matches!(failure(code), ApplyError::Unreachable(_)), "{code}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_names_the_object() {
        let error = serde_json::from_str::<u8>("x").unwrap_err();
        let failure = ApplyError::from_kube("Service shop", kube::Error::SerdeError(error));
        let ApplyError::Issue(trouble) = failure else { panic!("no trouble") };
        assert_eq!(trouble.kind, IssueKind::Unreadable);
        assert!(trouble.message.contains("cannot read Service shop: expected value"));
    }
}
