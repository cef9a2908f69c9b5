//! Why a request gets no truthful answer.

use maquette_contract::ItemKey;
use std::collections::BTreeMap;

/// Why there is no truthful answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unavailable {
    /// This peer does not take part (yet).
    #[error("peer {peer} has not joined the others yet")]
    NotJoined {
        /// The peer.
        peer: String,
    },
    /// Too few of those who own the item answered.
    #[error(
        "too few owners of item {key} answered in time ({}); wait until more peers are up",
        failure_text(.failures)
    )]
    TooFewOwners {
        /// The item.
        key: ItemKey,
        /// Why the others did not.
        failures: BTreeMap<String, String>,
    },
    /// Too few members answered.
    #[error(
        "too few peers told what they hold ({}); wait until more peers are up",
        failure_text(.failures)
    )]
    TooFewMembers {
        /// Why the others did not.
        failures: BTreeMap<String, String>,
    },
}

fn failure_text(failures: &BTreeMap<String, String>) -> String {
    if failures.is_empty() {
        return "all late".to_owned();
    }
    let each = failures.iter().map(|(peer, reason)| format!("{peer}: {reason}"));
    each.collect::<Vec<_>>().join("; ")
}
