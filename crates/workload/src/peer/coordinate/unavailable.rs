//! Why a request gets no correct result.

use crate::peer::membership::{PeerState, Phase};
use maquette_contract::ItemKey;
use std::collections::BTreeMap;

/// Why a request gets no correct result before its deadline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unavailable {
    /// This peer serves no requests (yet).
    #[error("peer {peer} has not joined the others yet")]
    NotJoined {
        /// The name of this peer.
        peer: String,
    },
    /// This peer is no member any more.
    #[error("peer {peer} is no longer a member; send the request to another peer")]
    Removed {
        /// The name of this peer.
        peer: String,
    },
    /// A write was sent before, and its first attempt was not found.
    #[error(
        "the write of {key} was sent before, and its outcome is not known: read the item before you \
         write it again"
    )]
    UnknownOutcome {
        /// The item.
        key: ItemKey,
    },
    /// Peers of an earlier version could not keep what is written.
    #[error(
        "peers of an earlier version are up, which can keep neither the deletion of {key} nor every \
         value: write it again once all peers have been upgraded"
    )]
    EarlierPeers {
        /// The item.
        key: ItemKey,
    },
    /// Too few owners of an item replied.
    #[error(
        "too few owners of item {key} answered in time ({}); wait until more peers are up",
        failure_text(.failures)
    )]
    TooFewOwners {
        /// The item that was requested.
        key: ItemKey,
        /// Why the others did not reply, by peer.
        failures: BTreeMap<String, String>,
    },
    /// All owners of an item replied, but too few copies can be used.
    #[error(
        "item {key} is damaged on the disks of {}, and too few intact copies are left: write it again",
        peers.join(", ")
    )]
    Damaged {
        /// The item that was requested.
        key: ItemKey,
        /// The peers with a damaged copy.
        peers: Vec<String>,
    },
    /// Too few members listed their items.
    #[error(
        "too few peers listed their items in time ({}); wait until more peers are up",
        failure_text(.failures)
    )]
    TooFewMembers {
        /// Why the others did not reply, by peer.
        failures: BTreeMap<String, String>,
    },
}

impl Unavailable {
    /// Why the peer serves no request; `None` if it does.
    pub(super) fn of_phase(peer: &PeerState) -> Option<Self> {
        let name = peer.name().to_owned();
        match peer.member().phase {
            Phase::Active(_) => None,
            Phase::Joining => Some(Self::NotJoined { peer: name }),
            Phase::Removed => Some(Self::Removed { peer: name }),
        }
    }
}

fn failure_text(failures: &BTreeMap<String, String>) -> String {
    if failures.is_empty() {
        return "none replied before the deadline".to_owned();
    }
    let reasons = failures.iter().map(|(peer, reason)| format!("{peer}: {reason}"));
    reasons.collect::<Vec<_>>().join("; ")
}
