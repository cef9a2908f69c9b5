//! Errors of a reconcile: of one object, or of the whole. A panic is one too.

use crate::observe::{Issue, IssueKind};
use futures::FutureExt;
use kube::core::Status;
use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

/// Why a reconcile failed. It is tried again, with a longer wait each time.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    /// The status was not written: the API server did not answer, or answered 408, 429 or 5xx.
    #[error("{0}")]
    Unreachable(String),
    /// The status was not written within this many seconds.
    #[error("the API server did not complete the write of the status within {0} s")]
    StatusTimeout(u64),
    /// A bug: the message of the panic.
    #[error("the reconcile panicked, which is a bug: {0}")]
    Panicked(String),
    /// The worst issue of an object; the status shows it too.
    #[error("{}", .issue.message)]
    UnresolvedIssue {
        issue: Issue,
        /// The longest wait before the next attempt, if an Event was not written.
        retry_within: Option<Duration>,
    },
    /// The Architecture has no name, namespace or UID, or a name that is too long.
    #[error("{0}")]
    InvalidIdentity(String),
}

impl ReconcileError {
    /// The longest wait before the next attempt. It is shorter for what passes by itself, at any
    /// moment.
    pub(super) fn max_backoff(&self) -> Duration {
        match self {
            Self::Unreachable(_) | Self::StatusTimeout(_) => Duration::from_secs(10),
            Self::UnresolvedIssue { issue, retry_within } => {
                let longest = max_issue_backoff(issue.kind);
                retry_within.map_or(longest, |wait| wait.min(longest))
            }
            Self::Panicked(_) | Self::InvalidIdentity(_) => Duration::from_secs(60),
        }
    }
}

fn max_issue_backoff(kind: IssueKind) -> Duration {
    match kind {
        IssueKind::Removal | IssueKind::Unavailable => Duration::from_secs(10),
        // The deletion of the other object is no event for this Architecture.
        IssueKind::NameTaken => Duration::from_secs(15),
        IssueKind::Failed | IssueKind::Conflict | IssueKind::Unreadable => Duration::from_secs(60),
    }
}

/// Why a call for one object failed: an issue of that object. The status shows it.
#[derive(Debug)]
pub(super) struct ApplyError(pub(super) Issue);

impl ApplyError {
    pub(super) fn from_issue(kind: IssueKind, message: impl Into<String>) -> Self {
        Self(Issue { kind, message: message.into() })
    }

    /// That settings cannot be read, as `problem` says: those of another version are left alone.
    pub(super) fn unreadable_settings(problem: &str) -> Self {
        let message = format!(
            "this version of Maquette cannot read {problem}. Upgrade Maquette or restore that \
             object; nothing is changed until then"
        );
        Self::from_issue(IssueKind::Unreadable, message)
    }

    /// What a failed call means for `object`, which messages name.
    pub(super) fn from_kube(object: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if is_unavailable(status) => Self::from_issue(
                IssueKind::Unavailable,
                format!("{object}: the API server answered {}: {}", status.code, status.message),
            ),
            kube::Error::Api(status) => Self::from_issue(
                IssueKind::Failed,
                format!("{object}: the API server refused it: {}", status.message),
            ),
            kube::Error::SerdeError(error) => Self::from_issue(
                IssueKind::Unreadable,
                format!(
                    "this version of Maquette cannot read {object}: {error}. Change or delete \
                     that object"
                ),
            ),
            error => Self::from_issue(
                IssueKind::Unavailable,
                format!("{object}: no answer of the API server: {}", innermost_cause(error)),
            ),
        }
    }
}

/// Whether the answer means a failing or overloaded API server or webhook, and not an issue of the
/// object.
fn is_unavailable(status: &Status) -> bool {
    // The same request gets the same answer, although the code is 500.
    let is_schema_error = status.message.contains("field not declared in schema");
    matches!(status.code, 408 | 429 | 500..) && !is_schema_error
}

/// The error that all others follow from: the outer ones only say that a request failed.
fn innermost_cause(error: &kube::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The output of `future`, or the message of its panic.
pub(super) async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, String> {
    // What a panic leaves half changed is behind locks that outlive it: caches and records that the
    // next reconcile reads again.
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| panic_message(&*payload))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&str>().copied();
    let text = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(code: u16, message: &str) -> Issue {
        let status = Status { code, message: message.to_owned(), ..Status::default() };
        ApplyError::from_kube("Service shop", &kube::Error::Api(Box::new(status))).0
    }

    #[test]
    fn an_event_that_was_not_written_does_not_wait_for_the_back_off() {
        let longest = |retry_within| {
            let issue = issue(422, "so it is");
            ReconcileError::UnresolvedIssue { issue, retry_within }.max_backoff().as_secs()
        };
        assert_eq!(longest(None), 60);
        assert_eq!(longest(Some(Duration::from_secs(10))), 10);
        assert_eq!(longest(Some(Duration::from_secs(300))), 60);
    }

    #[test]
    fn an_overload_passes_and_a_refusal_does_not() {
        for code in [400, 403, 409, 422] {
            let message = "Service shop: the API server refused it: so it is".to_owned();
            assert_eq!(issue(code, "so it is"), Issue { kind: IssueKind::Failed, message });
        }
        for code in [408, 429, 500, 503] {
            let message = format!("Service shop: the API server answered {code}: so it is");
            assert_eq!(issue(code, "so it is"), Issue { kind: IssueKind::Unavailable, message });
        }
        let schema = "failed to create typed patch object: .spec.x: field not declared in schema";
        assert_eq!(issue(500, schema).kind, IssueKind::Failed);
    }

    #[test]
    fn a_missing_answer_names_its_cause() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let issue = ApplyError::from_kube("Pod a", &kube::Error::Service(Box::new(refused))).0;
        let message = "Pod a: no answer of the API server: connection refused".to_owned();
        assert_eq!(issue, Issue { kind: IssueKind::Unavailable, message });
    }

    #[test]
    fn an_unreadable_answer_names_the_object() {
        let error = serde_json::from_str::<u8>("x").unwrap_err();
        let issue = ApplyError::from_kube("Service shop", &kube::Error::SerdeError(error)).0;
        assert_eq!(issue.kind, IssueKind::Unreadable);
        assert!(issue.message.contains("cannot read Service shop: expected value"));
    }

    #[tokio::test]
    async fn a_panic_becomes_its_message() {
        assert_eq!(catch_panic(async { 5 }).await, Ok(5));
        let at_once = catch_panic(async { panic!("index {} is too large", 7) }).await;
        assert_eq!(at_once, Err::<(), _>("index 7 is too large".to_owned()));
        let later = catch_panic(async {
            tokio::task::yield_now().await;
            panic!("after an await")
        });
        assert_eq!(later.await, Err::<(), _>("after an await".to_owned()));
    }
}
