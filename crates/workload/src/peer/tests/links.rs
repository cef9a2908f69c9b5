//! Connections between peers that tests cut. A cut is silent, as a dropped packet is: a request into
//! a cut connection has no answer until its time is over.

use crate::runtime::lock;
use std::{collections::BTreeSet, sync::Mutex};

/// The connections that are cut, each from one address to another; addresses are unique in a run.
static CUT: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

pub(crate) fn is_cut(from: &str, to: &str) -> bool {
    lock(&CUT).contains(&(from.to_owned(), to.to_owned()))
}

/// Cuts the connections for which `is_cut` is true, and repairs the others between these addresses.
pub(super) fn set_cuts(addresses: &[String], is_cut: impl Fn(usize, usize) -> bool) {
    let mut cut = lock(&CUT);
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
