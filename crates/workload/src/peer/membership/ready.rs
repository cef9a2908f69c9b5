//! Whether a peer is ready for requests after its start, and how many items it must still
//! replicate. Pure.

use super::{
    layout::Layout,
    phase::{MemberState, Phase},
    report::{Reports, TransitionStep},
};
use maquette_contract::ports;

/// The numbers of a peer's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ItemCounts {
    /// All items on disk.
    pub(crate) on_disk: u64,
    /// Those that are not known to have all their copies.
    pub(crate) under_replicated: u64,
}

/// Why the peer `own_name` has not joined; `None` if it has. With `in_grace` a peer that sees no
/// other member is not ready: it waits for them first. Afterwards it is ready alone if it may vote:
/// if one owner may be a majority.
pub(crate) fn join_blocker(
    own_name: &str,
    state: &MemberState,
    reports: &Reports,
    in_grace: bool,
) -> Option<String> {
    let others = state.configured.members().iter().filter(|name| *name != own_name);
    let (live, all) = (others.clone().filter(|name| reports.is_live(name)).count(), others.count());
    match &state.phase {
        Phase::Removed => Some("this peer is not among the members, or has handed over".to_owned()),
        Phase::Joining if state.trust.fresh => Some(format!(
            "its volume is new: waits until a majority of the members are up and know it ({live} of \
             {all} others are up)"
        )),
        Phase::Joining if state.trust.outdated => Some(format!(
            "its volume is older than other peers remember, as after a restore from a snapshot: it \
             does not vote until they have checked its copies ({live} of {all} others are up); if \
             that does not happen, empty the volume"
        )),
        Phase::Joining => Some(format!(
            "its volume was empty: waits until the other members that are up have filled it ({live} \
             of {all} are up)"
        )),
        Phase::Active(transition) if transition.has_handed_over(own_name) => {
            Some("this peer has handed its items over and is about to be removed".to_owned())
        }
        Phase::Active(_) if live == 0 && all > 0 && in_grace => {
            Some(format!("none of the {all} other members is up yet"))
        }
        Phase::Active(_) if !state.trust.compared => Some(format!(
            "it votes for nothing until another member confirms its volume, and hears {live} of the \
             {all} others by gossip; if they run, allow UDP on port {} between the peers (a \
             NetworkPolicy may forbid it)",
            ports::GOSSIP.number
        )),
        Phase::Active(_) => None,
    }
}

/// Why the peer `own_name` may lack copies that a live peer has; `None` if it has them all.
pub(crate) fn replication_blocker(
    own_name: &str,
    state: &MemberState,
    reports: &Reports,
) -> Option<String> {
    let target = state.target().id();
    let unchecked: Vec<&str> = reports
        .live_peers()
        .filter(|name| *name != own_name)
        .filter(|name| !has_left(name, state, reports))
        .filter(|name| {
            !reports
                .report_with_target(name, target)
                .is_some_and(|report| report.has_checked(own_name, state.incarnation))
        })
        .collect();
    (!unchecked.is_empty())
        .then(|| format!("waits for copies that {} may have for it", unchecked.join(", ")))
}

/// Whether a peer is no member and has handed its items over: it may still run, but holds nothing
/// that the members lack. It may never sweep again, or follow an older configuration.
fn has_left(name: &str, state: &MemberState, reports: &Reports) -> bool {
    let target = state.target();
    let is_removed =
        || reports.report_of(name).is_some_and(|it| it.step == TransitionStep::Removed);
    let is_settled_without = || match &state.phase {
        Phase::Active(transition) => transition.is_settled(),
        // A member settles only when no peer relies on another layout.
        Phase::Joining | Phase::Removed => target.members().iter().any(|member| {
            let report = reports.report_with_target(member, target.id());
            report.is_some_and(|report| report.step == TransitionStep::Settled)
        }),
    };
    !target.has_member(name) && (is_removed() || is_settled_without())
}

/// The items of the peer `own_name` to report as under-replicated. A peer that leaves reports all
/// its items, and at least 1, until every member has settled without it: it must stay until then.
pub(crate) fn under_replicated(
    own_name: &str,
    state: &MemberState,
    reports: &Reports,
    counts: ItemCounts,
) -> u64 {
    let target = state.target();
    let is_member = target.has_member(own_name);
    let must_stay = match &state.phase {
        Phase::Joining => true,
        Phase::Removed => !are_members_settled(target, reports),
        Phase::Active(transition) => {
            !is_member
                && (!transition.has_handed_over(own_name) || !are_members_settled(target, reports))
        }
    };
    let moving = matches!(&state.phase, Phase::Active(transition) if !transition.is_settled());
    match (must_stay, moving) {
        (true, _) => counts.on_disk.max(1),
        (false, true) => counts.under_replicated.max(u64::from(is_member)),
        (false, false) => counts.under_replicated,
    }
}

/// Whether all members report that they have settled under the layout.
fn are_members_settled(layout: &Layout, reports: &Reports) -> bool {
    layout.members().iter().all(|name| {
        reports
            .report_with_target(name, layout.id())
            .is_some_and(|report| report.step == TransitionStep::Settled)
    })
}
