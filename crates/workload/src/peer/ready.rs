//! When a peer is ready for requests after its start. Pure.

use super::{
    phase::{MemberState, Phase},
    report::{Reports, TransitionStep},
};

/// What is missing until the peer `me` has joined; nothing if it has. `patient` says that it has
/// not waited long for others yet: one that finds nobody is ready alone after a while, or peers
/// that all start at once would wait for each other.
pub(super) fn join_blocker(
    me: &str,
    state: &MemberState,
    reports: &Reports,
    patient: bool,
) -> Option<String> {
    let others = state.configured.members().iter().filter(|name| *name != me);
    let (seen, all) = (others.clone().filter(|name| reports.is_live(name)).count(), others.count());
    match &state.phase {
        Phase::Removed => Some("this peer is not among the members, or has handed over".to_owned()),
        Phase::Joining => {
            let waits = "its volume was empty: waits for every other member to fill it";
            Some(format!("{waits} ({seen} of {all} are up)"))
        }
        Phase::Active(standing) if standing.has_handed_over(me) => {
            Some("this peer has handed its items over and leaves".to_owned())
        }
        Phase::Active(_) if seen == 0 && all > 0 && patient => {
            Some(format!("none of the {all} other members is seen yet"))
        }
        Phase::Active(_) => None,
    }
}

/// What is missing until the peer `me` has all copies that others who are up can give it.
pub(super) fn replication_blocker(
    me: &str,
    state: &MemberState,
    reports: &Reports,
) -> Option<String> {
    let target = state.target().id();
    let checks = |name: &&str| {
        reports.report_of(name).is_none_or(|report| {
            report.target != target || report.checked.get(me) != Some(&state.incarnation)
        })
    };
    let waits: Vec<&str> = reports.live_peers().filter(|name| *name != me).filter(checks).collect();
    (!waits.is_empty()).then(|| format!("waits for what {} may have for it", waits.join(", ")))
}

/// The items of the peer `me` that do not have all their copies, of those `held` and known not to
/// be whole. One that leaves keeps counting all, and at least one, until every member has settled
/// without it: before that it must not go.
pub(super) fn under_replicated(
    me: &str,
    state: &MemberState,
    reports: &Reports,
    (held, not_whole): (u64, u64),
) -> u64 {
    let target = state.target();
    let settled = |name: &String| {
        let report = reports.report_of(name).filter(|report| report.target == target.id());
        report.is_some_and(|report| report.step == TransitionStep::Settled)
    };
    let unsettled = || !target.members().iter().all(settled);
    let moves = match &state.phase {
        Phase::Joining => true,
        Phase::Removed => unsettled(),
        Phase::Active(standing) => {
            !target.has_member(me) && (!standing.has_handed_over(me) || unsettled())
        }
    };
    let settles = matches!(&state.phase, Phase::Active(standing) if !standing.is_settled());
    match (moves, settles) {
        (true, _) => held.max(1),
        (false, true) => not_whole.max(u64::from(target.has_member(me))),
        (false, false) => not_whole,
    }
}
