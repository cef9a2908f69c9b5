//! Which replies still count, although a peer may lose its volume while an operation goes on. Pure.
//!
//! A copy on a volume that is lost protects nothing. Every reply names the volume that it comes
//! from, and the volumes that the replica knows of all other peers ("crash-consistent quorums";
//! Michael, Ports et al., "Recovering Shared Objects Without Stable Storage", 2017). The replies of
//! two peers count together only if neither knows another volume of the other:
//!
//! - If a replica knows the new volume of a peer, the peer's reply from its old volume is dropped,
//!   and the peer is asked again.
//! - If it does not know it yet, then what it has on disk is sent to the new volume before that
//!   counts: a joining peer counts once each other owner has swept its items with the new volume in
//!   view.

use crate::peer::{
    membership::{VolumeId, Volumes},
    network::Attestation,
};
use std::collections::{BTreeMap, BTreeSet};

/// The volumes that the counted replies of one operation come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct VolumeCheck {
    round: usize,
    counted: Volumes,
    /// The volumes that other peers name for a peer, with the round of their newest reply.
    claims: BTreeMap<String, BTreeMap<VolumeId, usize>>,
    /// Volumes that a peer no longer has.
    replaced: BTreeSet<(String, VolumeId)>,
}

/// What a reply changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct VolumeVerdict {
    /// Whether the reply counts.
    pub(crate) counts: bool,
    /// The peers whose earlier replies no longer count.
    pub(crate) dropped: Vec<String>,
}

impl VolumeCheck {
    /// The requests that are sent from now on belong to another round.
    pub(crate) fn begin_round(&mut self) {
        self.round += 1;
    }

    /// Adds a reply to a request of this round.
    pub(crate) fn admit(&mut self, name: &str, attested: &Attestation) -> VolumeVerdict {
        let Attestation { volume, others, .. } = attested;
        let mut dropped = Vec::new();
        for (other, claimed) in others.iter().filter(|(other, _)| *other != name) {
            if self.replaced.contains(&(other.clone(), *claimed)) {
                continue;
            }
            self.claims.entry(other.clone()).or_default().insert(*claimed, self.round);
            if self.counted.get(other).is_some_and(|counted| counted != claimed) {
                self.counted.remove(other);
                dropped.push(other.clone());
            }
        }
        let counts = !self.is_doubted(name, *volume);
        if counts {
            self.counted.insert(name.to_owned(), *volume);
        }
        VolumeVerdict { counts, dropped }
    }

    /// Whether another peer names another volume for this one. The request was sent after the
    /// replies of earlier rounds had arrived: what they named is replaced.
    fn is_doubted(&mut self, name: &str, volume: VolumeId) -> bool {
        let Self { round, claims, replaced, .. } = self;
        let Some(claims) = claims.get_mut(name) else { return false };
        claims.retain(|claimed, since| {
            let is_refuted = *claimed != volume && *since < *round;
            if is_refuted {
                replaced.insert((name.to_owned(), *claimed));
            }
            !is_refuted
        });
        claims.keys().any(|claimed| *claimed != volume)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attested(volume: u64, others: &[(&str, u64)]) -> Attestation {
        let others = others.iter().map(|(name, id)| ((*name).to_owned(), VolumeId(*id)));
        Attestation { volume: VolumeId(volume), others: others.collect(), refusal: None }
    }

    fn admitted(dropped: &[&str]) -> VolumeVerdict {
        let dropped = dropped.iter().map(|name| (*name).to_owned()).collect();
        VolumeVerdict { counts: true, dropped }
    }

    #[test]
    fn a_reply_from_a_volume_that_another_peer_knows_to_be_replaced_does_not_count() {
        let mut check = VolumeCheck::default();
        check.begin_round();
        assert_eq!(check.admit("a", &attested(1, &[("b", 1)])), admitted(&[]));
        check.begin_round();
        assert_eq!(check.admit("b", &attested(1, &[("a", 2)])), admitted(&["a"]));
        check.begin_round();
        assert_eq!(check.admit("a", &attested(2, &[("b", 1)])), admitted(&[]));
    }

    #[test]
    fn a_peer_that_is_asked_again_refutes_what_others_named_before() {
        let mut check = VolumeCheck::default();
        check.begin_round();
        assert_eq!(check.admit("b", &attested(1, &[("a", 1)])), admitted(&[]));
        // Sent before the claim arrived: either volume may be the newer one.
        assert!(!check.admit("a", &attested(2, &[])).counts);
        check.begin_round();
        assert_eq!(check.admit("a", &attested(2, &[])), admitted(&[]));
        assert_eq!(check.admit("c", &attested(1, &[("a", 1)])), admitted(&[]), "c is late");
        assert_eq!(check.admit("d", &attested(1, &[("a", 3)])), admitted(&["a"]));
    }
}
