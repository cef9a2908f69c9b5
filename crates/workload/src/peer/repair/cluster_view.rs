//! What a sweep depends on, and which copies it has to send. Pure.

use crate::peer::membership::{Layout, MemberState, Phase, Reports, TransitionStep};
use maquette_contract::ItemKey;
use std::collections::{BTreeMap, BTreeSet};

/// The cluster as it was when a sweep started. A changed view requires another sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterView {
    own_name: String,
    /// The layout under which items are to be fully replicated.
    target: Layout,
    /// The peers, this one included, that have the same target, with their incarnations.
    incarnations: BTreeMap<String, u64>,
    /// The live peers, this one included.
    up: BTreeSet<String>,
    /// Members that are down for so long that others stand in for them.
    absent: BTreeSet<String>,
    /// Whether all members are up and settled: then surplus copies may be dropped.
    stable: bool,
}

/// The peers that must have a copy of an item, and what this peer does with its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaAssignment {
    /// The live peers, without this one, that must hold it.
    pub(crate) other_holders: Vec<String>,
    /// Whether an owner is down for which no other peer stands in.
    pub(crate) owner_down: bool,
    /// Whether this peer may drop it once all others hold it.
    pub(crate) surplus: bool,
}

impl ClusterView {
    /// The view of a peer; `None` if it is removed. `long_down` are the members that have been down
    /// for the stand-in delay.
    pub(crate) fn new(
        own_name: &str,
        state: &MemberState,
        reports: &Reports,
        long_down: &BTreeSet<String>,
    ) -> Option<Self> {
        let settled = match &state.phase {
            Phase::Removed => return None,
            Phase::Joining => false,
            Phase::Active(transition) => transition.is_settled(),
        };
        let target = state.target().clone();
        let id = target.id();
        let mut incarnations: BTreeMap<String, u64> = reports
            .0
            .keys()
            .filter_map(|name| {
                Some((name.clone(), reports.report_with_target(name, id)?.incarnation))
            })
            .collect();
        incarnations.insert(own_name.to_owned(), state.incarnation);
        let mut up: BTreeSet<String> = reports.live_peers().map(str::to_owned).collect();
        up.insert(own_name.to_owned());
        let all_settled = target.members().iter().filter(|name| *name != own_name).all(|name| {
            let report = reports.report_with_target(name, id);
            up.contains(name) && report.is_some_and(|report| report.step == TransitionStep::Settled)
        });
        let stable = settled && target.has_member(own_name) && all_settled;
        // During a transition, more copies for absent members would only add to the traffic.
        let absent = long_down
            .iter()
            .filter(|name| settled && !up.contains(*name) && target.has_member(name))
            .cloned()
            .collect();
        Some(Self { own_name: own_name.to_owned(), target, incarnations, up, absent, stable })
    }

    /// Whether the same incarnations of the same peers are up and have the same target, so that the
    /// result of a sweep still holds.
    pub(super) fn has_same_peers(&self, other: &Self) -> bool {
        (&self.target, &self.incarnations, &self.up)
            == (&other.target, &other.incarnations, &other.up)
    }

    /// The peers, with their incarnations, that have all their copies after a sweep with this view,
    /// except those to which it `failed`.
    pub(crate) fn checked_peers(&self, failed: &BTreeSet<String>) -> BTreeMap<String, u64> {
        self.incarnations
            .iter()
            .filter(|(name, _)| !failed.contains(*name))
            .map(|(name, incarnation)| (name.clone(), *incarnation))
            .collect()
    }

    /// The assignment of an item of which this peer has a copy.
    pub(crate) fn assignment(&self, key: &ItemKey) -> ReplicaAssignment {
        let mut owners = self.target.ranked_members(key);
        let rest = owners.split_off(self.target.replicas());
        let absent = owners.iter().filter(|name| self.absent.contains(**name)).count();
        let stand_ins: Vec<&str> =
            rest.into_iter().filter(|name| self.up.contains(*name)).take(absent).collect();
        let down = owners.iter().filter(|name| !self.up.contains(**name)).count();
        let holders: Vec<&str> = owners.into_iter().chain(stand_ins.iter().copied()).collect();
        let other_holders = holders
            .iter()
            .filter(|name| **name != self.own_name && self.up.contains(**name))
            .map(|name| (*name).to_owned())
            .collect();
        ReplicaAssignment {
            other_holders,
            owner_down: down > stand_ins.len(),
            surplus: self.stable && !holders.contains(&self.own_name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::membership::{GossipReport, LayoutTransition, ObservedPeer};
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|ordinal| format!("p-{ordinal}")).collect()
    }

    fn reports(layout: &Layout, up: &BTreeSet<String>) -> Reports {
        let report = GossipReport {
            incarnation: 1,
            target: layout.id(),
            step: TransitionStep::Settled,
            checked: BTreeMap::new(),
            stopping: false,
            volume: None,
        };
        let observed = layout.members().iter().map(|name| {
            let (report, live) = (Some(report.clone()), up.contains(name));
            (name.clone(), ObservedPeer { report, live, address: ([127, 0, 0, 1], 1).into() })
        });
        Reports(observed.collect())
    }

    fn view(own_name: &str, layout: &Layout, down: &BTreeSet<String>, long: bool) -> ClusterView {
        let phase = Phase::Active(LayoutTransition::settled(layout.clone()));
        let state = MemberState { incarnation: 1, configured: layout.clone(), phase };
        let up = layout.members() - down;
        let absent = if long { down.clone() } else { BTreeSet::new() };
        ClusterView::new(own_name, &state, &reports(layout, &up), &absent).unwrap()
    }

    proptest! {
        #[test]
        fn all_holders_agree_on_the_holders_of_an_item(
            members in 2_usize..9, replicas in 1_u32..5, item in 0..500, down_mask in any::<u16>(),
            long in any::<bool>(),
        ) {
            let layout = Layout::new(names(members), replicas).unwrap();
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            // Member 0 is always up.
            let down: BTreeSet<String> = (1..members)
                .filter(|ordinal| down_mask & (1 << ordinal) != 0)
                .map(|ordinal| format!("p-{ordinal}"))
                .collect();
            let up = layout.members() - &down;
            let holders: BTreeSet<BTreeSet<String>> = up.iter().map(|own_name| {
                let assignment = view(own_name, &layout, &down, long).assignment(&key);
                let mut holders: BTreeSet<String> = assignment.other_holders.into_iter().collect();
                let owner = layout.owners_of(&key).contains(&own_name.as_str());
                if owner || (!down.is_empty() && holders.len() < layout.replicas().min(up.len())) {
                    holders.insert(own_name.clone());
                }
                holders
            }).collect();
            let expected = layout.replicas().min(up.len());
            for holders in &holders {
                prop_assert!(holders.is_subset(&up));
                prop_assert!(!long || holders.len() == expected, "{holders:?} of {up:?}");
            }
            prop_assert!(!long || holders.len() == 1, "{holders:?}");
        }

        #[test]
        fn a_copy_is_surplus_only_while_all_members_are_up(
            members in 2_usize..9, replicas in 1_u32..5, item in 0..500, one_down in any::<bool>(),
        ) {
            let layout = Layout::new(names(members), replicas).unwrap();
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let down = if one_down { BTreeSet::from(["p-1".to_owned()]) } else { BTreeSet::new() };
            let assignment = view("p-0", &layout, &down, true).assignment(&key);
            let owner = layout.owners_of(&key).contains(&"p-0");
            prop_assert_eq!(assignment.surplus, !owner && !one_down);
        }
    }
}
