//! How a request can fail.

use super::checker::{Violation, ViolationKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestFailure {
    pub(super) kind: FailureKind,
    /// The error in one line, for the log.
    pub(super) reason: String,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// A status of 400 to 499; requests of the load are valid.
    ClientError,
    /// A status of 500 to 599.
    ServerError,
    /// No connection to the target was possible, or it broke twice.
    Unreachable,
    /// No answer within the time-out.
    TimedOut,
    /// An answer of an unknown form or to another request.
    UnexpectedAnswer,
    /// An answer that contradicts an earlier one.
    Contradiction(ViolationKind),
    /// The load's own process has no local port, file handle or memory left, or was suspended: not a
    /// failure of the model.
    GeneratorLimit,
}

impl FailureKind {
    /// The value of the metrics' label `outcome`.
    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::UnexpectedAnswer => "unexpected_answer",
            Self::Contradiction(ViolationKind::LostWrite { .. }) => "lost_write",
            Self::Contradiction(ViolationKind::WrongValue) => "wrong_value",
            Self::Contradiction(ViolationKind::WrongVersion) => "wrong_version",
            Self::GeneratorLimit => "generator_limit",
        }
    }

    pub(super) fn because(self, reason: impl Into<String>) -> RequestFailure {
        RequestFailure { kind: self, reason: reason.into() }
    }
}

impl From<Violation> for RequestFailure {
    fn from(violation: Violation) -> Self {
        FailureKind::Contradiction(violation.kind).because(violation.reason)
    }
}
