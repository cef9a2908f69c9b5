//! Which way each kind goes: the shortest over declared calls, the first declared of equal ones.

use maquette_contract::{Hop, Kind, NodeName, Routes};
use std::collections::{BTreeMap, VecDeque};

/// Who calls whom, in the order declared.
pub(super) type Calls = BTreeMap<NodeName, Vec<NodeName>>;

/// Who owns what.
#[derive(Default)]
pub(super) struct Owners {
    pub(super) kinds: BTreeMap<Kind, NodeName>,
    pub(super) rest: Option<NodeName>,
}

/// The routes of `node`.
pub(super) fn of(node: &NodeName, calls: &Calls, owners: &Owners) -> Routes {
    let first = first_steps(node, calls);
    let hop = |owner: &NodeName| match owner == node {
        true => Some(Hop::Own),
        false => first.get(owner).cloned().map(Hop::Call),
    };
    Routes {
        kinds: owners.kinds.iter().map(|(kind, owner)| (kind.clone(), hop(owner))).collect(),
        rest: owners.rest.as_ref().and_then(hop),
    }
}

/// For every node that can be reached, the call that the shortest way to it begins with.
fn first_steps(node: &NodeName, calls: &Calls) -> BTreeMap<NodeName, NodeName> {
    let below = |node: &NodeName| calls.get(node).into_iter().flatten();
    let mut first = BTreeMap::new();
    let mut queue: VecDeque<_> = below(node).map(|next| (next, next)).collect();
    while let Some((reached, by)) = queue.pop_front() {
        if reached == node || first.contains_key(reached) {
            continue;
        }
        first.insert(reached.clone(), by.clone());
        queue.extend(below(reached).map(|next| (next, by)));
    }
    first
}
