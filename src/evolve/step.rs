//! The steps of a change.

use std::fmt;

/// A step of a change, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// New nodes come up beside those that serve, and new owners of items accept them.
    Raise,
    /// Callers get their new configuration, the innermost first, end users last.
    Move,
    /// What the old homes of items got meanwhile is copied; then nobody asks them any more.
    Settle,
    /// What is no longer wanted goes.
    Retire,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Raise, Self::Move, Self::Settle, Self::Retire];

    /// The step as status and metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raise => "Raise",
            Self::Move => "Move",
            Self::Settle => "Settle",
            Self::Retire => "Retire",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
