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
    /// Whether all members are up and settled: then surplus copies may be dropped.
    stable: bool,
}

/// The peers that must have a copy of an item, and what this peer does with its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaAssignment {
    /// The live peers, without this one, that must hold it.
    pub(crate) other_holders: Vec<String>,
    /// Whether an owner is down.
    pub(crate) owner_down: bool,
    /// Whether this peer may drop it once all others hold it.
    pub(crate) surplus: bool,
}

impl ClusterView {
    /// The view of a peer; `None` if it is removed.
    pub(crate) fn new(own_name: &str, state: &MemberState, reports: &Reports) -> Option<Self> {
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
        Some(Self { own_name: own_name.to_owned(), target, incarnations, up, stable })
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
        let owners = self.target.owners_of(key);
        let (up, down): (Vec<&str>, Vec<&str>) =
            owners.into_iter().partition(|name| self.up.contains(*name));
        let is_owner = up.contains(&self.own_name.as_str());
        let other_holders = up.into_iter().filter(|name| *name != self.own_name);
        ReplicaAssignment {
            other_holders: other_holders.map(str::to_owned).collect(),
            owner_down: !down.is_empty(),
            surplus: self.stable && !is_owner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::membership::{GossipReport, LayoutTransition, ObservedPeer, VolumeTrust};
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
            progress: None,
            known: Default::default(),
        };
        let observed = layout.members().iter().map(|name| {
            let (report, live) = (Some(report.clone()), up.contains(name));
            (name.clone(), ObservedPeer { report, live, address: ([127, 0, 0, 1], 1).into() })
        });
        Reports(observed.collect())
    }

    fn view(own_name: &str, layout: &Layout, down: &BTreeSet<String>) -> ClusterView {
        let phase = Phase::Active(LayoutTransition::settled(layout.clone()));
        let (configured, trust) = (layout.clone(), VolumeTrust::default());
        let state = MemberState { incarnation: 1, configured, phase, trust };
        let up = layout.members() - down;
        ClusterView::new(own_name, &state, &reports(layout, &up)).unwrap()
    }

    proptest! {
        #[test]
        fn copies_go_to_the_owners_that_are_up_and_to_no_other_peer(
            members in 2_usize..9, replicas in 1_u32..5, item in 0..500, down_mask in any::<u16>(),
        ) {
            let layout = Layout::new(names(members), replicas).unwrap();
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            // Member 0 is always up.
            let down: BTreeSet<String> = (1..members)
                .filter(|ordinal| down_mask & (1 << ordinal) != 0)
                .map(|ordinal| format!("p-{ordinal}"))
                .collect();
            let owners: BTreeSet<String> =
                layout.owners_of(&key).into_iter().map(str::to_owned).collect();
            for own_name in layout.members() - &down {
                let assignment = view(&own_name, &layout, &down).assignment(&key);
                let others: BTreeSet<String> = assignment.other_holders.into_iter().collect();
                let expected: BTreeSet<String> =
                    owners.iter().filter(|name| **name != own_name).cloned().collect();
                prop_assert_eq!(others, &expected - &down);
                prop_assert_eq!(assignment.owner_down, !owners.is_disjoint(&down));
            }
        }

        #[test]
        fn a_copy_is_surplus_only_while_all_members_are_up(
            members in 2_usize..9, replicas in 1_u32..5, item in 0..500, one_down in any::<bool>(),
        ) {
            let layout = Layout::new(names(members), replicas).unwrap();
            let key = ItemKey::parse(&format!("orders/{item}")).unwrap();
            let down = if one_down { BTreeSet::from(["p-1".to_owned()]) } else { BTreeSet::new() };
            let assignment = view("p-0", &layout, &down).assignment(&key);
            let owner = layout.owners_of(&key).contains(&"p-0");
            prop_assert_eq!(assignment.surplus, !owner && !one_down);
        }
    }
}
