//! Errors of a reconcile: of one object, or of the whole.

use crate::observe::{Issue, IssueKind};
use std::time::Duration;

/// Why a reconcile failed. It is tried again, with a longer wait each time.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    /// The API server did not answer, or answered 408, 429 or 5xx.
    #[error("the API server does not answer")]
    Unreachable(#[source] Box<kube::Error>),
    /// The reconcile took longer than this many seconds.
    #[error("the reconcile did not end within {0} s")]
    DeadlineExceeded(u64),
    /// An object has an issue that a user must fix; the status shows it too.
    #[error("{0}")]
    UnresolvedIssue(String),
    /// The Architecture has no name, namespace or UID, or a name that is too long.
    #[error("{0}")]
    InvalidIdentity(String),
}

impl ReconcileError {
    /// The longest wait before the next attempt. It is shorter for an unreachable API server, which may
    /// be back at any moment.
    pub(super) fn max_backoff(&self) -> Duration {
        match self {
            Self::Unreachable(_) => Duration::from_secs(10),
            Self::DeadlineExceeded(_) | Self::UnresolvedIssue(_) | Self::InvalidIdentity(_) => {
                Duration::from_secs(60)
            }
        }
    }
}

/// Why a call for one object failed.
pub(super) enum ApplyError {
    /// Only this object is concerned: the status shows the issue and the reconcile goes on.
    Issue(Issue),
    /// The API server is unreachable or overloaded: the reconcile ends.
    Unreachable(Box<kube::Error>),
}

impl ApplyError {
    pub(super) fn from_issue(kind: IssueKind, message: impl Into<String>) -> Self {
        Self::Issue(Issue { kind, message: message.into() })
    }

    /// What a failed call means for `object`, which messages name.
    pub(super) fn from_kube(object: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code < 500 && !is_overload(status.code) => {
                Self::from_issue(
                    IssueKind::Failed,
                    format!("{object}: the API server refused it: {}", status.message),
                )
            }
            kube::Error::SerdeError(error) => Self::from_issue(
                IssueKind::Unreadable,
                format!(
                    "this version of Maquette cannot read {object}: {error}. Change or delete \
                     that object"
                ),
            ),
            error => Self::Unreachable(Box::new(error)),
        }
    }
}

/// 408 and 429 mean an overloaded API server, not an issue of the object.
fn is_overload(code: u16) -> bool {
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
    fn a_refusal_is_an_issue_and_an_overload_is_not() {
        for code in [400, 403, 409, 422] {
            let ApplyError::Issue(issue) = failure(code) else { panic!("{code}: no issue") };
            assert_eq!(issue.kind, IssueKind::Failed);
            assert_eq!(issue.message, "Service shop: the API server refused it: so it is");
        }
        for code in [408, 429, 500, 503] {
            assert!(matches!(failure(code), ApplyError::Unreachable(_)), "{code}");
        }
    }

    #[test]
    fn an_unreadable_answer_names_the_object() {
        let error = serde_json::from_str::<u8>("x").unwrap_err();
        let failure = ApplyError::from_kube("Service shop", kube::Error::SerdeError(error));
        let ApplyError::Issue(issue) = failure else { panic!("no issue") };
        assert_eq!(issue.kind, IssueKind::Unreadable);
        assert!(issue.message.contains("cannot read Service shop: expected value"));
    }
}
