//! The status while the operator has only begun to poll: after its start, or as a new leader.

use super::{ARCHITECTURE, Inputs, assert_condition, make_not_ready};
use crate::cluster::{
    change_report, healthy_snapshot, now, observe_running, parse_spec, plan_spec,
};
use maquette::{
    api::{ArchitectureStatus, EdgeState},
    observe::Snapshot,
};
use maquette_contract::Probe;

/// The status before a restart of the operator, when the cluster was changed by `change`, and the
/// one after it, when `then` has changed too. No pod has reported to the new operator, unless
/// `then` adds a report.
fn restart(
    text: &str,
    change: impl FnOnce(&mut Snapshot),
    then: impl FnOnce(&mut Snapshot, Snapshot),
) -> (ArchitectureStatus, ArchitectureStatus) {
    let topology = plan_spec(&parse_spec(text));
    let mut snapshot = healthy_snapshot(&topology);
    change(&mut snapshot);
    let inputs = Inputs::of(&topology);
    let before = inputs.status(&observe_running(&snapshot), None, now());
    let mut restarted = Snapshot { is_first_poll: true, ..snapshot.clone() };
    restarted.reports.clear();
    then(&mut restarted, snapshot);
    let after = inputs.status(&observe_running(&restarted), Some(&before), now());
    (before, after)
}

fn fail_edge(snapshot: &mut Snapshot) {
    change_report(snapshot, "shop-business-1", |_, report| {
        report.edges[0].probe = Probe::Fails { message: "connection refused".to_owned() };
    });
}

#[test]
fn a_restart_changes_no_status() {
    for shape in ["ClientServer", "ThreeTier", "NTier", "PeerToPeer"] {
        let (before, after) = restart(&format!("shape: {shape}"), |_| {}, |_, _| {});
        assert_condition(&before, "Ready", ("True", "AllWorks"), "");
        assert_eq!(before, after, "{shape}");
    }
    let (before, after) = restart(ARCHITECTURE, fail_edge, |_, _| {});
    assert_condition(&after, "Ready", ("False", "EdgesFailing"), "connection refused");
    assert_eq!(before, after);
    let lose_writes = |snapshot: &mut Snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| {
            report.load.as_mut().unwrap().lost_writes = 2;
        });
    };
    let (before, after) = restart(ARCHITECTURE, lose_writes, |_, _| {});
    assert_condition(&after, "TrafficFlowing", ("False", "WritesLost"), "2 acknowledged");
    assert_eq!(before, after);
}

#[test]
fn what_objects_show_counts_at_once() {
    let (_, after) = restart(ARCHITECTURE, |_| {}, |now, _| make_not_ready(now, "shop-data-0"));
    assert_condition(&after, "Ready", ("False", "ComponentsNotReady"), "data: ");
    let (_, after) = restart(ARCHITECTURE, |_| {}, |now, _| now.deployments.clear());
    assert_condition(&after, "Ready", ("False", "ComponentsNotReady"), "business: 0 of 2");
    let (_, after) = restart(ARCHITECTURE, |_| {}, |now, _| now.services.clear());
    assert_condition(&after, "Ready", ("False", "EntryBroken"), "does not exist");
}

#[test]
fn what_a_pod_reports_counts_at_once() {
    let (_, after) = restart(
        ARCHITECTURE,
        |_| {},
        |now, mut before| {
            fail_edge(&mut before);
            let uid = "uid-of-shop-business-1".to_owned();
            now.reports.insert(uid.clone(), before.reports[&uid].clone());
        },
    );
    assert_condition(&after, "Ready", ("False", "EdgesFailing"), "connection refused");
    let edge = after.edges.iter().find(|edge| edge.from == "business").unwrap();
    assert_eq!(edge.state, EdgeState::Failing);
}

#[test]
fn a_model_without_a_status_is_not_ready_before_its_pods_report() {
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let mut snapshot = Snapshot { is_first_poll: true, ..healthy_snapshot(&topology) };
    snapshot.reports.clear();
    let status = Inputs::of(&topology).status(&observe_running(&snapshot), None, now());
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), "is pending");
    assert_condition(&status, "TrafficFlowing", ("Unknown", "NotReported"), "");
}

#[test]
fn reports_that_stay_missing_count_in_the_end() {
    let ended = |now: &mut Snapshot, _| now.is_first_poll = false;
    let (_, after) = restart(ARCHITECTURE, |_| {}, ended);
    assert_condition(&after, "Ready", ("False", "ComponentsNotReady"), "is pending");
}
