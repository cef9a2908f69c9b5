//! Why a watch failed, and what a user can do about it.

use super::super::scope::WatchScope;
use crate::observe::{Issue, IssueKind};
use kube::core::Status;
use maquette_http_client::error_chain;
use std::{fmt, time::Duration};

/// What the watch was about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reconcile) enum WatchVerb {
    List,
    Watch,
}

impl fmt::Display for WatchVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Watch => "watch",
        })
    }
}

/// Why a list or a watch ended.
#[derive(Debug, thiserror::Error)]
pub(in crate::reconcile::watch) enum WatchError {
    #[error("{0}")]
    Request(#[from] kube::Error),
    #[error("{}", .0.message)]
    Event(Box<Status>),
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("nothing was received for {} s, although the API server ends each watch earlier", .0.as_secs())]
    Silent(Duration),
    #[error("the API server ended the watch at once")]
    TooShort,
    #[error("an object or list has no resourceVersion")]
    NoResourceVersion,
}

impl WatchError {
    /// Whether the watch must begin with a list again: its version is too old (410), or unknown.
    pub(in crate::reconcile::watch) fn needs_list(&self) -> bool {
        match self {
            Self::Request(kube::Error::Api(status)) | Self::Event(status) => status.code == 410,
            Self::NoResourceVersion => true,
            _ => false,
        }
    }

    /// The HTTP status code, if the API server answered.
    fn answered_code(&self) -> Option<u16> {
        match self {
            Self::Request(kube::Error::Api(status)) | Self::Event(status) => Some(status.code),
            _ => None,
        }
    }
}

/// A failure of a watch, for logs and for the status of Architectures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reconcile::watch) struct WatchFailure {
    pub(in crate::reconcile::watch) verb: WatchVerb,
    /// The HTTP status code; none if the API server did not answer.
    pub(in crate::reconcile::watch) code: Option<u16>,
    pub(in crate::reconcile::watch) cause: String,
}

impl WatchFailure {
    pub(in crate::reconcile::watch) fn new(verb: WatchVerb, error: &WatchError) -> Self {
        let cause = match error {
            WatchError::Request(kube::Error::Api(status)) => status.message.clone(),
            error => error_chain(error),
        };
        Self { verb, code: error.answered_code(), cause }
    }

    /// For users: what fails, and the fix. It passes by itself unless the API server refuses it.
    pub(in crate::reconcile::watch) fn to_issue(
        &self,
        resource: &str,
        scope: &WatchScope,
    ) -> Issue {
        let verb = self.verb;
        let message = match self.code {
            Some(401 | 403) => format!(
                "the operator may not {verb} {resource} in {scope}: {}, or add the verbs list and \
                 watch for {resource}",
                scope.role_to_apply()
            ),
            _ => format!(
                "the operator cannot {verb} {resource} in {scope}: {}. It is tried again every \
                 30 s",
                self.cause
            ),
        };
        let kind = match self.code {
            Some(401 | 403 | 404) => IssueKind::Failed,
            _ => IssueKind::Unavailable,
        };
        Issue { kind, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: u16, verb: WatchVerb) -> WatchFailure {
        let status = Status { code, message: "so it is".to_owned(), ..Status::default() };
        WatchFailure::new(verb, &kube::Error::Api(Box::new(status)).into())
    }

    #[test]
    fn a_missing_permission_is_named_with_its_scope() {
        let lab = WatchScope::Namespace("lab".to_owned());
        assert_eq!(
            failure(403, WatchVerb::List).to_issue("statefulsets", &lab).message,
            "the operator may not list statefulsets in namespace lab: apply the RoleBinding of the \
             chart in that namespace, or add the verbs list and watch for statefulsets"
        );
        assert_eq!(
            failure(403, WatchVerb::Watch).to_issue("pods", &WatchScope::All).message,
            "the operator may not watch pods in all namespaces: apply the ClusterRole and \
             ClusterRoleBinding of the chart or of manifests/install.yaml, or add the verbs list \
             and watch for pods"
        );
    }

    #[test]
    fn another_answer_is_quoted() {
        let message = failure(500, WatchVerb::List).to_issue("pods", &WatchScope::All).message;
        assert!(
            message.starts_with("the operator cannot list pods in all namespaces: "),
            "{message}"
        );
        assert!(message.contains("so it is"), "{message}");
    }

    #[test]
    fn only_a_refusal_needs_a_user() {
        let kind = |code| failure(code, WatchVerb::List).to_issue("pods", &WatchScope::All).kind;
        for code in [401, 403, 404] {
            assert_eq!(kind(code), IssueKind::Failed, "{code}");
        }
        for code in [410, 429, 500, 503] {
            assert_eq!(kind(code), IssueKind::Unavailable, "{code}");
        }
        let silent = WatchFailure::new(WatchVerb::Watch, &WatchError::TooShort);
        assert_eq!(silent.to_issue("pods", &WatchScope::All).kind, IssueKind::Unavailable);
    }
}
