//! The replies of the owners of an item to a read. Pure.

use super::{
    quorum::Quorum,
    volume_check::{VolumeCheck, VolumeVerdict},
};
use crate::peer::network::{Attestation, ReadReply};
use maquette_contract::{Record, Version};
use std::collections::BTreeSet;

/// The replies of the owners of an item to a read.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuorumRead {
    /// The newest version among the replies.
    pub(crate) newest: Option<Version>,
    /// Whether that is a tombstone.
    pub(crate) is_deleted: bool,
    /// Its record, if records were requested.
    pub(crate) record: Option<Record>,
    /// The peers that have the newest version on disk.
    pub(crate) holders: BTreeSet<String>,
    /// The peers that have an older version or none.
    pub(crate) stale: BTreeSet<String>,
    /// The peers whose reply counts for a quorum.
    voters: BTreeSet<String>,
    /// The peers whose copy is damaged: whether it is the newest version is not known.
    damaged: BTreeSet<String>,
    /// The volumes that the replies come from.
    pub(super) volumes: VolumeCheck,
}

impl QuorumRead {
    pub(super) fn add_reply(&mut self, name: String, reply: ReadReply, attestation: &Attestation) {
        let VolumeVerdict { counts, dropped } = self.volumes.admit(&name, attestation);
        for other in dropped {
            self.holders.remove(&other);
            self.stale.remove(&other);
            self.voters.remove(&other);
            self.damaged.remove(&other);
        }
        if reply.version > self.newest {
            self.stale.append(&mut self.holders);
            (self.newest, self.record) = (reply.version.clone(), reply.record);
            self.is_deleted = reply.deleted;
        }
        if !counts {
            return;
        }
        if reply.damaged {
            // It counts as stale, so that it is repaired.
            self.stale.insert(name.clone());
            if reply.counts_for_quorum {
                self.damaged.insert(name);
            }
            return;
        }
        if reply.counts_for_quorum {
            self.voters.insert(name.clone());
        }
        if reply.version == self.newest {
            self.holders.insert(name);
        } else {
            self.stale.insert(name);
        }
    }

    /// Whether this peer has replied, and its reply counts. One that does not count yet may count
    /// in a later wave.
    pub(super) fn has_reply_from(&self, name: &str) -> bool {
        self.voters.contains(name)
    }

    /// Whether more replies would change nothing: the newest acknowledged write is known, and
    /// whether it needs a read repair.
    pub(super) fn is_complete(&self, quorum: &Quorum) -> bool {
        let repair_known =
            self.newest.is_none() || quorum.is_durable_on(&self.holders) || !self.stale.is_empty();
        self.has_read_quorum(quorum) && repair_known
    }

    /// The peers with damaged copies, if all owners have replied: no further reply can tell whether
    /// an acknowledged write was on the damaged disks alone.
    pub(super) fn damaged_at(&self, quorum: &Quorum) -> Option<Vec<String>> {
        let replied: BTreeSet<String> = self.voters.union(&self.damaged).cloned().collect();
        let is_certain = !self.damaged.is_empty() && quorum.has_all_owners(&replied);
        is_certain.then(|| self.damaged.iter().cloned().collect())
    }

    /// Whether the newest acknowledged write is among the replies.
    pub(super) fn has_read_quorum(&self, quorum: &Quorum) -> bool {
        quorum.is_readable_from(&self.voters)
    }
}
