//! Connections between peers that tests cut. A cut is silent, as a dropped packet is: a request into
//! a cut connection has no answer until its time is over.

use crate::{peer::membership::Reports, runtime::lock};
use std::{collections::BTreeSet, sync::Mutex};

/// The connections that are cut, each from one address to another; addresses are unique in a run.
static CUT: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

pub(crate) fn is_cut(from: &str, to: &str) -> bool {
    lock(&CUT).contains(&(from.to_owned(), to.to_owned()))
}

/// As [`CUT`], for gossip.
static CUT_GOSSIP: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// What a peer knows if gossip does not arrive: the others are down, and as it knew them `before`.
pub(crate) fn without_cut_gossip(own: &str, mut new: Reports, before: &Reports) -> Reports {
    let cut = lock(&CUT_GOSSIP);
    for (name, peer) in &mut new.0 {
        if cut.contains(&(peer.address.to_string(), own.to_owned())) {
            *peer = before.0.get(name).unwrap_or(peer).clone();
            peer.live = false;
        }
    }
    new
}

/// Cuts the gossip between these addresses for which `is_cut` is true.
pub(super) fn set_gossip_cuts(addresses: &[String], is_cut: impl Fn(usize, usize) -> bool) {
    set_cuts_in(&CUT_GOSSIP, addresses, is_cut);
}

/// Cuts the connections for which `is_cut` is true, and repairs the others between these addresses.
pub(super) fn set_cuts(addresses: &[String], is_cut: impl Fn(usize, usize) -> bool) {
    set_cuts_in(&CUT, addresses, is_cut);
}

fn set_cuts_in(
    cuts: &Mutex<BTreeSet<(String, String)>>,
    addresses: &[String],
    is_cut: impl Fn(usize, usize) -> bool,
) {
    let mut cut = lock(cuts);
    for (from, from_address) in addresses.iter().enumerate() {
        for (to, to_address) in addresses.iter().enumerate() {
            let link = (from_address.clone(), to_address.clone());
            if from != to && is_cut(from, to) {
                cut.insert(link);
            } else {
                cut.remove(&link);
            }
        }
    }
}
