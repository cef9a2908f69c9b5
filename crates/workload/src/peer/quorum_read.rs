//! What the owners of an item said. Pure.

use super::{quorum::Quorum, wire::ReadReply};
use maquette_contract::Version;
use std::collections::BTreeSet;

/// What the owners of an item said.
#[derive(Clone, Debug, Default)]
pub(super) struct QuorumRead {
    /// The newest version among the answers.
    pub(super) newest: Option<Version>,
    /// Its value, if values were asked for.
    pub(super) value: Option<serde_json::Value>,
    /// Who has the newest version on disk.
    pub(super) holders: BTreeSet<String>,
    /// Who has an older one or nothing.
    pub(super) stale: BTreeSet<String>,
    /// Whose answer counts.
    voters: BTreeSet<String>,
}

impl QuorumRead {
    /// One more answer.
    pub(super) fn add_reply(&mut self, name: String, held: ReadReply) {
        if held.counts_for_quorum {
            self.voters.insert(name.clone());
        }
        if held.version > self.newest {
            self.stale.append(&mut self.holders);
            (self.newest, self.value) = (held.version, held.value);
            self.holders.insert(name);
        } else if held.version == self.newest {
            self.holders.insert(name);
        } else {
            self.stale.insert(name);
        }
    }

    /// Whether this peer has answered.
    pub(super) fn has_reply_from(&self, name: &str) -> bool {
        self.holders.contains(name) || self.stale.contains(name)
    }

    /// Whether enough is known: the newest acknowledged write for sure, and whether it needs to be
    /// written back.
    pub(super) fn is_complete(&self, quorum: &Quorum) -> bool {
        let known =
            self.newest.is_none() || quorum.is_durable_on(&self.holders) || !self.stale.is_empty();
        quorum.is_readable_from(&self.voters) && known
    }

    /// Whether the newest acknowledged write is among the answers.
    pub(super) fn has_read_quorum(&self, quorum: &Quorum) -> bool {
        quorum.is_readable_from(&self.voters)
    }
}
