//! What a check of all items depends on, and what it asks of whom. Pure.

use super::{
    layout::Layout,
    phase::{MemberState, Phase},
    report::{Reports, TransitionStep},
};
use maquette_contract::ItemKey;
use std::collections::{BTreeMap, BTreeSet};

/// The world as it was when a check began. Another situation, another check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClusterView {
    me: String,
    /// Items are to be whole under this layout.
    target: Layout,
    /// The peers, this one among them, that have the same target, with their stamps.
    incarnations: BTreeMap<String, u64>,
    /// The peers that are up.
    up: BTreeSet<String>,
    /// Members that are down for so long that others stand in for them.
    absent: BTreeSet<String>,
    /// Nothing moves and everybody is up: what others hold may be dropped here.
    stable: bool,
}

/// What is to be done about an item that this peer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplicaAssignment {
    /// Who else must have it.
    pub(super) other_holders: Vec<String>,
    /// Whether somebody must have it who is down.
    pub(super) owner_down: bool,
    /// Whether it may be dropped here once all others have it.
    pub(super) surplus: bool,
}

impl ClusterView {
    /// The situation of a peer; none if it has nothing to see to.
    pub(super) fn new(
        me: &str,
        state: &MemberState,
        reports: &Reports,
        absent: &BTreeSet<String>,
    ) -> Option<Self> {
        let settled = match &state.phase {
            Phase::Removed => return None,
            Phase::Joining => false,
            Phase::Active(standing) => standing.is_settled(),
        };
        let target = state.target().clone();
        let id = target.id();
        let same = |name: &str| reports.report_of(name).filter(|report| report.target == id);
        let known = reports.0.keys().filter(|name| *name != me);
        let stamps = known.filter_map(|name| Some((name.clone(), same(name)?.incarnation)));
        let stamps = stamps.chain([(me.to_owned(), state.incarnation)]).collect();
        let up = reports.live_peers().filter(|name| *name != me).map(str::to_owned);
        let up: BTreeSet<String> = up.chain([me.to_owned()]).collect();
        let rests = |name: &String| {
            let settled = same(name).is_some_and(|report| report.step == TransitionStep::Settled);
            name == me || (up.contains(name) && settled)
        };
        let quiet = settled && target.has_member(me) && target.members().iter().all(rests);
        // While items move, copies for absent ones would only add to it.
        let absent = if settled { absent - &up } else { BTreeSet::new() };
        let absent = absent.into_iter().filter(|name| target.has_member(name)).collect();
        Some(Self { me: me.to_owned(), target, incarnations: stamps, up, absent, stable: quiet })
    }

    /// Whether the same peers are there and want the same, so that what was found then holds.
    pub(super) fn has_same_peers(&self, other: &Self) -> bool {
        (&self.target, &self.incarnations, &self.up)
            == (&other.target, &other.incarnations, &other.up)
    }

    /// The stamps that a check which begins now may tell, without those of `failed`.
    pub(super) fn checked_peers(&self, failed: &BTreeSet<String>) -> BTreeMap<String, u64> {
        let good = self.incarnations.iter().filter(|(name, _)| !failed.contains(*name));
        good.map(|(name, stamp)| (name.clone(), *stamp)).collect()
    }

    /// What is to be done about an item.
    pub(super) fn assignment(&self, key: &ItemKey) -> ReplicaAssignment {
        let (owners, rest) = {
            let mut ranked = self.target.ranked_members(key);
            let rest = ranked.split_off(self.target.replicas());
            (ranked, rest)
        };
        let absent = owners.iter().filter(|name| self.absent.contains(**name)).count();
        let stand_ins: Vec<&str> =
            rest.into_iter().filter(|name| self.up.contains(*name)).take(absent).collect();
        let down = owners.iter().filter(|name| !self.up.contains(**name)).count();
        let mine = owners.contains(&self.me.as_str()) || stand_ins.contains(&self.me.as_str());
        let others = owners.iter().chain(&stand_ins);
        let others = others.filter(|name| **name != self.me && self.up.contains(**name));
        ReplicaAssignment {
            other_holders: others.map(|name| (*name).to_owned()).collect(),
            owner_down: down > stand_ins.len(),
            surplus: self.stable && !mine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{
        report::{GossipReport, ObservedPeer},
        transition::LayoutTransition,
    };
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|ordinal| format!("p-{ordinal}")).collect()
    }

    fn reports(layout: &Layout, up: &BTreeSet<String>) -> Reports {
        let seen = |name: &String| ObservedPeer {
            report: Some(GossipReport {
                incarnation: 1,
                target: layout.id(),
                step: TransitionStep::Settled,
                checked: BTreeMap::new(),
                stopping: false,
            }),
            live: up.contains(name),
            address: ([127, 0, 0, 1], 1).into(),
        };
        Reports(layout.members().iter().map(|name| (name.clone(), seen(name))).collect())
    }

    fn situation(me: &str, layout: &Layout, down: &BTreeSet<String>, long: bool) -> ClusterView {
        let phase = Phase::Active(LayoutTransition::settled(layout.clone()));
        let state = MemberState { incarnation: 1, configured: layout.clone(), phase };
        let up = layout.members() - down;
        let absent = if long { down.clone() } else { BTreeSet::new() };
        ClusterView::new(me, &state, &reports(layout, &up), &absent).unwrap()
    }

    proptest! {
        #[test]
        fn all_holders_agree_on_who_must_hold_an_item(
            members in 2_usize..9, replicas in 1_u32..5, item in 0..500, gone in any::<u16>(),
            long in any::<bool>(),
        ) {
            let layout = Layout::new(names(members), replicas).unwrap();
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let gone = |name: &&String| {
                let ordinal: u32 = name.trim_start_matches("p-").parse().unwrap();
                ordinal > 0 && gone & (1 << ordinal) != 0
            };
            let down: BTreeSet<String> = layout.members().iter().filter(gone).cloned().collect();
            let up = layout.members() - &down;
            let holders: BTreeSet<BTreeSet<String>> = up.iter().map(|me| {
                let duty = situation(me, &layout, &down, long).assignment(&key);
                let mut holders: BTreeSet<String> = duty.other_holders.into_iter().collect();
                let owner = layout.owners_of(&key).contains(&me.as_str());
                if owner || (!down.is_empty() && holders.len() < layout.replicas().min(up.len())) {
                    holders.insert(me.clone());
                }
                holders
            }).collect();
            let most = layout.replicas().min(up.len());
            for holders in &holders {
                prop_assert!(holders.is_subset(&up));
                prop_assert!(!long || holders.len() == most, "{holders:?} of {up:?}");
            }
        }

        #[test]
        fn only_when_all_is_quiet_a_copy_is_surplus(
            members in 2_usize..9, replicas in 1_u32..5, item in 0..500, one_down in any::<bool>(),
        ) {
            let layout = Layout::new(names(members), replicas).unwrap();
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let down = if one_down { BTreeSet::from(["p-1".to_owned()]) } else { BTreeSet::new() };
            let duty = situation("p-0", &layout, &down, true).assignment(&key);
            let owner = layout.owners_of(&key).contains(&"p-0");
            prop_assert_eq!(duty.surplus, !owner && !one_down);
        }
    }
}
