//! What a peer remembers of the volumes of all peers. Pure.
//!
//! A volume may be lost, or replaced by a snapshot of itself; then it lacks writes that it has
//! acknowledged. The peer that uses it cannot know, but the others do: each of them keeps, on its
//! own volume, the first volume that it has met under each name, and how far that one has come.
//! They spread it by gossip.
//!
//! # Who votes
//!
//! A peer may vote in a quorum if its disk still has every write that it acknowledged.
//!
//! 1. *A volume that was in use* votes, unless another peer remembers a later mark of it than the
//!    peer found on it at its start: then it is a snapshot, and joins like an empty one. A peer that
//!    leaves does not join; it hands over what the snapshot has, and does not vote.
//! 2. *A new volume* has acknowledged nothing, if no other one was used under the same name. No
//!    volume stores a copy before a majority of the members, its peer included, remember it, on
//!    disk; a new one begins to vote once they remember it as the first under its name. If an
//!    earlier volume under this name acknowledged anything, a majority remembered that one. Both
//!    majorities include the peer itself, whose memory was lost with its volume. They share another
//!    member if the number of members is even, or if one peer more than a majority remembered the
//!    earlier volume: gossip spreads the memory to all that are up. Until then the first start
//!    tolerates that peers are lost, but not volumes.
//! 3. *Any other volume joins*: the others sweep their items first; see [`super::Phase::Joining`].
//!
//! Rule 2 holds for the members that the peers began with. Members that were added later have no
//! majority in common with the earlier ones, so they join by rule 3; the configuration says that
//! members have changed.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The identity of a volume: random, made when the volume is empty. A peer that lost its volume and
/// was filled again has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct VolumeId(pub(crate) u64);

impl VolumeId {
    /// The identity of a new volume.
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

/// What a peer reports of its own volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VolumeProgress {
    /// The number of this start of the process; see [`super::state_file::SavedState::generation`].
    pub(crate) boot: u64,
    /// The newest mark on the volume. Grows with each start, and while items are written.
    pub(crate) mark: u64,
}

/// What is remembered of the volume of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownVolume {
    /// The first volume under this name; `None` if there were several, or if it is from an earlier
    /// release.
    pub(crate) first: Option<VolumeId>,
    /// The newest progress.
    pub(crate) progress: VolumeProgress,
}

/// What is remembered of the volumes of all peers, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct VolumeMemory(BTreeMap<String, KnownVolume>);

impl VolumeMemory {
    /// A peer uses this volume, as it reports itself.
    pub(crate) fn meet(&mut self, name: &str, volume: VolumeId, progress: VolumeProgress) {
        self.merge_one(name, KnownVolume { first: Some(volume), progress });
    }

    /// Adds what another peer remembers.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, known) in &other.0 {
            self.merge_one(name, *known);
        }
    }

    fn merge_one(&mut self, name: &str, other: KnownVolume) {
        let known = self.0.entry(name.to_owned()).or_insert(other);
        if known.progress.mark < other.progress.mark {
            known.progress = other.progress;
        }
        if known.first != other.first {
            known.first = None;
        }
    }

    /// Remembers that volumes under these names were in use that are not known.
    pub(crate) fn add_unknown<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        let unknown = KnownVolume { first: None, progress: VolumeProgress { boot: 0, mark: 0 } };
        for name in names {
            self.merge_one(name, unknown);
        }
    }

    /// Whether the same first volumes are remembered.
    pub(crate) fn has_same_first_volumes(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|((a, known), (b, others))| (a, known.first) == (b, others.first))
    }

    /// What is remembered of a peer.
    pub(crate) fn get(&self, name: &str) -> Option<&KnownVolume> {
        self.0.get(name)
    }
}

/// How far the copies on a peer's volume may be relied on; see this module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VolumeTrust {
    /// Whether a majority of the members remember the volume. Before that, the peer stores no copy.
    pub(crate) known: bool,
    /// Whether the volume was empty and may begin without being filled.
    pub(crate) fresh: bool,
    /// The members that were down when the peer joined: it votes for no item of which only they
    /// and itself may have had the newest version.
    pub(crate) unchecked: BTreeSet<String>,
    /// Whether others remember a later mark of the volume: it is a snapshot.
    pub(crate) outdated: bool,
    /// Whether this start has compared the volume with what others remember. Before that, the peer
    /// votes for nothing.
    #[serde(skip)]
    pub(crate) compared: bool,
    /// Whether the volume was filled, or began, in this start: it is no snapshot any more.
    #[serde(skip)]
    pub(crate) filled: bool,
}

impl VolumeTrust {
    /// Of a peer that votes, except for items of which `unchecked` members may have more.
    pub(crate) fn joined(unchecked: BTreeSet<String>) -> Self {
        Self { known: true, unchecked, compared: true, filled: true, ..Self::default() }
    }
}

impl KnownVolume {
    /// Whether a volume that had the mark `found` at the start `boot` lacks writes: it had come
    /// further before.
    pub(crate) fn is_ahead_of(&self, boot: u64, found: u64) -> bool {
        // What this start itself has reported is no contradiction.
        self.progress.boot < boot && self.progress.mark > found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn progress(boot: u64, mark: u64) -> VolumeProgress {
        VolumeProgress { boot, mark }
    }

    #[test]
    fn a_second_volume_is_never_the_first_again() {
        let mut memory = VolumeMemory::default();
        memory.meet("a", VolumeId(1), progress(1, 1));
        memory.meet("a", VolumeId(1), progress(2, 5));
        assert_eq!(memory.get("a").unwrap().first, Some(VolumeId(1)), "a restart");
        memory.meet("a", VolumeId(2), progress(6, 6));
        memory.meet("a", VolumeId(2), progress(7, 7));
        assert_eq!(memory.get("a").unwrap().first, None);
        memory.add_unknown(&["b".to_owned()]);
        memory.meet("b", VolumeId(3), progress(1, 1));
        assert_eq!(memory.get("b").unwrap().first, None, "of an earlier release");
    }

    #[test]
    fn a_snapshot_is_behind_what_others_remember() {
        let known = KnownVolume { first: None, progress: progress(10, 15) };
        assert!(known.is_ahead_of(20, 10), "restored from before the mark 15");
        assert!(!known.is_ahead_of(20, 15), "a restart");
        assert!(!known.is_ahead_of(10, 3), "its own start");
    }

    fn any_memory() -> impl Strategy<Value = VolumeMemory> {
        let known =
            (prop::option::of(0_u64..3), 0_u64..4, 0_u64..4).prop_map(|(first, boot, mark)| {
                KnownVolume { first: first.map(VolumeId), progress: progress(boot, mark) }
            });
        prop::collection::btree_map("[ab]", known, 0..3).prop_map(VolumeMemory)
    }

    proptest! {
        #[test]
        fn what_is_remembered_of_first_volumes_spreads_in_any_order(
            a in any_memory(), b in any_memory(), c in any_memory(),
        ) {
            let merge = |parts: [&VolumeMemory; 3]| {
                let mut all = VolumeMemory::default();
                parts.iter().for_each(|part| all.merge(part));
                let firsts: Vec<_> =
                    all.0.iter().map(|(name, it)| (name.clone(), it.first)).collect();
                let marks: Vec<u64> = all.0.values().map(|it| it.progress.mark).collect();
                (firsts, marks)
            };
            prop_assert_eq!(merge([&a, &b, &c]), merge([&c, &a, &b]));
        }
    }
}
