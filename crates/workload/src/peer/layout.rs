//! Which members hold an item: rendezvous hashing. Pure.

use maquette_contract::ItemKey;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::{cmp::Reverse, collections::BTreeSet, hash::Hasher};

/// Names a layout by its content; equal layouts have equal ids on every peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LayoutId(u64);

/// The members that share the items, and how many of them hold each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    members: BTreeSet<String>,
    replicas: usize,
}

impl Layout {
    /// The layout of these members; none if there is no member.
    pub(super) fn new(members: impl IntoIterator<Item = String>, replicas: u32) -> Option<Self> {
        let members: BTreeSet<String> = members.into_iter().collect();
        let replicas = usize::try_from(replicas).unwrap_or(usize::MAX);
        let most = members.len();
        (most > 0).then(|| Self { members, replicas: replicas.clamp(1, most) })
    }

    /// The members, in the order of their names.
    pub(super) fn members(&self) -> &BTreeSet<String> {
        &self.members
    }

    /// Whether `name` is a member.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.members.contains(name)
    }

    /// How many members hold each item.
    pub(super) fn replicas(&self) -> usize {
        self.replicas
    }

    /// How many owners must have a write on disk before it is acknowledged.
    pub(super) fn write_quorum(&self) -> usize {
        self.replicas / 2 + 1
    }

    /// How many owners must have answered so that at least one of them has the newest
    /// acknowledged write: any so many meet any majority.
    pub(super) fn read_quorum(&self) -> usize {
        self.replicas + 1 - self.write_quorum()
    }

    /// All members in the order in which they are to hold the item: highest random weight
    /// (Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996), by SipHash.
    pub(super) fn ranked_members(&self, key: &ItemKey) -> Vec<&str> {
        let key = key.to_string();
        let weight = |name: &&str| {
            let mut hasher = SipHasher13::new();
            hasher.write(name.as_bytes());
            // Ends the name: no name has this byte.
            hasher.write_u8(0xff);
            hasher.write(key.as_bytes());
            Reverse(hasher.finish())
        };
        let mut names: Vec<&str> = self.members.iter().map(String::as_str).collect();
        names.sort_by_cached_key(weight);
        names
    }

    /// The members that hold the item when every one is up.
    pub(super) fn owners_of(&self, key: &ItemKey) -> Vec<&str> {
        let mut ranked = self.ranked_members(key);
        ranked.truncate(self.replicas);
        ranked
    }

    /// The layout's name.
    pub(super) fn id(&self) -> LayoutId {
        let mut hasher = SipHasher13::new();
        hasher.write(&(self.replicas as u64).to_le_bytes());
        for member in &self.members {
            hasher.write(member.as_bytes());
            hasher.write_u8(0xff);
        }
        LayoutId(hasher.finish())
    }
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
        // Items on volumes are where these say.
        let owners =
            |number| layout(5, 3).owners_of(&key(number)).join(" ").replace("shop-peers-", "");
        assert_eq!([owners(1), owners(2), owners(3)], ["4 3 2", "4 0 1", "3 1 2"]);
    }

    #[test]
    fn every_member_holds_its_share() {
        let (layout, items) = (layout(5, 3), 5_000);
        let mut held = BTreeMap::<String, usize>::new();
        for item in 0..items {
            for owner in layout.owners_of(&key(item)) {
                *held.entry(owner.to_owned()).or_default() += 1;
            }
        }
        let fair = items * 3 / 5;
        for (member, count) in &held {
            let off = count.abs_diff(fair);
            assert!(off < fair / 20, "{member} holds {count}, not about {fair}");
        }
        assert_eq!(held.len(), 5);
    }

    proptest! {
        #[test]
        fn a_member_that_goes_moves_only_its_own_items(
            members in 2_usize..20, replicas in 1_u32..6, gone in 0_usize..20, item in 0_usize..1000,
        ) {
            let before = layout(members, replicas);
            let gone = format!("shop-peers-{}", gone % members);
            let rest = before.members().iter().filter(|name| **name != gone).cloned();
            let after = Layout::new(rest, replicas).unwrap();
            let (old, new) = (before.owners_of(&key(item)), after.owners_of(&key(item)));
            let stayed: Vec<_> = old.iter().filter(|name| **name != gone).collect();
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
        fn ids_tell_layouts_apart(a in 1_usize..9, b in 1_usize..9, r in 1_u32..4, s in 1_u32..4) {
            let (a, b) = (layout(a, r), layout(b, s));
            prop_assert_eq!(a.id() == b.id(), a == b);
        }
    }
}
