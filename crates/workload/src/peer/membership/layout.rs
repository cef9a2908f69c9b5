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

    /// Whether one owner may be a majority of the votes by itself.
    pub(crate) fn has_sole_owners(&self) -> bool {
        self.replicas <= 2
    }

    /// How many owners are a majority of the owners of an item.
    pub(crate) fn majority(&self) -> usize {
        self.replicas / 2 + 1
    }

    /// The least number of owners that meets every majority.
    pub(crate) fn majority_complement(&self) -> usize {
        self.replicas + 1 - self.majority()
    }

    /// Whether the number of copies is even. Then the first owner of an item by name has a second
    /// vote ([`second_vote`]): without it, no owner could be lost of two, and only one of four.
    pub(crate) fn has_second_votes(&self) -> bool {
        self.replicas.is_multiple_of(2)
    }

    /// Whether these members may hold a majority of the votes for some item: without them, an
    /// acknowledged write may be missed.
    pub(crate) fn may_hold_majority(&self, members: &BTreeSet<String>) -> bool {
        let lost: Vec<&String> = self.members.intersection(members).collect();
        if lost.len() >= self.majority() {
            return true;
        }
        // Half of the owners are enough if one of them has the second vote: if its item has only
        // owners of later names.
        self.has_second_votes()
            && lost.len() >= self.replicas / 2
            && lost.first().is_some_and(|first| {
                let later = self.members.iter().filter(|name| name > first).count();
                later >= self.replicas - 1
            })
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

/// The owner that has a second vote: the first by name, so that of two peers the same one has it for
/// all items, and the other may be lost. It is the peer that is removed last.
pub(crate) fn second_vote<'a>(owners: &[&'a str]) -> Option<&'a str> {
    owners.iter().min().copied().filter(|_| owners.len().is_multiple_of(2))
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
            prop_assert_eq!(new.len(), after.replicas);
        }

        #[test]
        fn members_that_hold_no_majority_hold_none_for_any_item(
            members in 1_usize..9, replicas in 1_u32..7, lost in any::<u16>(),
        ) {
            let layout = layout(members, replicas);
            let lost: BTreeSet<String> = (0..members)
                .filter(|ordinal| lost & (1 << ordinal) != 0)
                .map(|ordinal| format!("shop-peers-{ordinal}"))
                .collect();
            let holds_majority = (0..300).any(|item| {
                let key = key(item);
                let owners = layout.owners_of(&key);
                let second = second_vote(&owners);
                let votes = |name: &&str| 1 + usize::from(second == Some(*name));
                let lost_votes: usize =
                    owners.iter().filter(|name| lost.contains(**name)).map(votes).sum();
                lost_votes * 2 > owners.iter().map(votes).sum()
            });
            // With 300 items, nearly all sets of owners occur; a rare one only errs on the safe side.
            prop_assert!(!holds_majority || layout.may_hold_majority(&lost));
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
