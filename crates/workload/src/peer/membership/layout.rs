//! Which members own an item: rendezvous hashing. Pure.

use maquette_contract::ItemKey;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::{cmp::Reverse, collections::BTreeSet, hash::Hasher};

/// A hash of a layout: equal layouts have equal ids on every peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct LayoutId(u64);

/// The members that share the items, and the number of copies of each item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    members: BTreeSet<String>,
    replicas: usize,
}

impl Layout {
    /// Returns `None` without members. `replicas` is clamped to the number of members.
    pub(crate) fn new(members: impl IntoIterator<Item = String>, replicas: u32) -> Option<Self> {
        let members: BTreeSet<String> = members.into_iter().collect();
        let replicas = usize::try_from(replicas).unwrap_or(usize::MAX);
        let limit = members.len();
        (limit > 0).then(|| Self { members, replicas: replicas.clamp(1, limit) })
    }

    /// The members, ordered by name.
    pub(crate) fn members(&self) -> &BTreeSet<String> {
        &self.members
    }

    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.members.contains(name)
    }

    /// The number of copies of each item; at least 1.
    pub(crate) fn replicas(&self) -> usize {
        self.replicas
    }

    /// How many owners must have a write on disk before it is acknowledged: a majority.
    pub(crate) fn write_quorum(&self) -> usize {
        self.replicas / 2 + 1
    }

    /// How many owners must reply so that at least one of them has the newest acknowledged write:
    /// every read quorum shares an owner with every majority.
    pub(crate) fn read_quorum(&self) -> usize {
        self.replicas + 1 - self.write_quorum()
    }

    /// All members, the preferred owners of the item first: highest random weight (Thaler and
    /// Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996), by SipHash.
    pub(crate) fn ranked_members(&self, key: &ItemKey) -> Vec<&str> {
        let item = key.to_string();
        let mut names: Vec<&str> = self.members.iter().map(String::as_str).collect();
        names.sort_by_cached_key(|name| Reverse(hash_weight(name, &item)));
        names
    }

    /// The members that hold the item when all members are up.
    pub(crate) fn owners_of(&self, key: &ItemKey) -> Vec<&str> {
        let mut ranked = self.ranked_members(key);
        ranked.truncate(self.replicas);
        ranked
    }

    pub(crate) fn id(&self) -> LayoutId {
        let mut hasher = SipHasher13::new();
        hasher.write(&(self.replicas as u64).to_le_bytes());
        for member in &self.members {
            hasher.write(member.as_bytes());
            hasher.write_u8(0xff);
        }
        LayoutId(hasher.finish())
    }
}

/// The weight of a member for an item: the member with the highest weight is the first owner.
fn hash_weight(member: &str, item: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(member.as_bytes());
    // Ends the name: no UTF-8 text contains this byte.
    hasher.write_u8(0xff);
    hasher.write(item.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn layout(members: usize, replicas: u32) -> Layout {
        Layout::new((0..members).map(|ordinal| format!("shop-peers-{ordinal}")), replicas).unwrap()
    }

    fn key(number: usize) -> ItemKey {
        ItemKey::parse(&format!("orders/{number}")).unwrap()
    }

    #[test]
    fn owners_never_change_between_releases() {
        // Existing volumes hold their items at these owners.
        let owners = [1, 2, 3]
            .map(|item| layout(5, 3).owners_of(&key(item)).join(" ").replace("shop-peers-", ""));
        assert_eq!(owners, ["4 3 2", "4 0 1", "3 1 2"]);
    }

    #[test]
    fn every_member_holds_its_share() {
        let (layout, items) = (layout(5, 3), 5_000);
        let mut counts = BTreeMap::<String, usize>::new();
        for item in 0..items {
            for owner in layout.owners_of(&key(item)) {
                *counts.entry(owner.to_owned()).or_default() += 1;
            }
        }
        let fair = items * 3 / 5;
        for (member, count) in &counts {
            let off = count.abs_diff(fair);
            assert!(off < fair / 20, "{member} holds {count}, not about {fair}");
        }
        assert_eq!(counts.len(), 5);
    }

    proptest! {
        #[test]
        fn a_removed_member_moves_only_its_own_items(
            members in 2_usize..20, replicas in 1_u32..6, removed in 0_usize..20,
            item in 0_usize..1000,
        ) {
            let before = layout(members, replicas);
            let removed = format!("shop-peers-{}", removed % members);
            let rest = before.members().iter().filter(|name| **name != removed).cloned();
            let after = Layout::new(rest, replicas).unwrap();
            let (old, new) = (before.owners_of(&key(item)), after.owners_of(&key(item)));
            let stayed: Vec<_> = old.iter().filter(|name| **name != removed).collect();
            prop_assert!(stayed.iter().all(|name| new.contains(name)), "{old:?} -> {new:?}");
            prop_assert_eq!(new.len(), after.replicas());
        }

        #[test]
        fn a_read_quorum_meets_every_majority(members in 1_usize..20, replicas in 1_u32..20) {
            let layout = layout(members, replicas);
            prop_assert_eq!(layout.write_quorum() + layout.read_quorum(), layout.replicas() + 1);
            prop_assert!(layout.write_quorum() * 2 > layout.replicas());
            prop_assert!(layout.read_quorum() >= 1);
        }

        #[test]
        fn different_layouts_have_different_ids(
            a in 1_usize..9, b in 1_usize..9, r in 1_u32..4, s in 1_u32..4,
        ) {
            let (a, b) = (layout(a, r), layout(b, s));
            prop_assert_eq!(a.id() == b.id(), a == b);
        }
    }
}
