//! Pods that do not end, because their node is dead, while the shape changes.

use crate::cluster::{healthy_snapshot, now, observe_running, parse_spec, plan_spec};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};
use maquette::{
    evolve::{Step, evolve},
    observe::Snapshot,
};
use std::sync::Arc;

/// Adds a pod of `component` whose grace period ended `seconds` ago, with the report of another.
fn add_terminating(snapshot: &mut Snapshot, component: &str, seconds: i64) {
    let name = format!("shop-{component}-0");
    let mut pods = snapshot.pods.iter();
    let Some(found) = pods.find(|pod| pod.metadata.name.as_deref() == Some(&name)) else { return };
    let mut pod = found.as_ref().clone();
    pod.metadata.name = Some(format!("shop-{component}-dead"));
    pod.metadata.uid = Some("uid-of-the-dead-pod".to_owned());
    let deadline = now() - SignedDuration::from_secs(seconds);
    pod.metadata.deletion_timestamp = Some(Time(deadline));
    pod.spec.get_or_insert_default().node_name = Some("machine-3".to_owned());
    let report = snapshot.reports[&format!("uid-of-{name}")].clone();
    snapshot.reports.insert("uid-of-the-dead-pod".to_owned(), report);
    snapshot.pods.push(Arc::new(pod));
}

/// Changes the three-tier shape to peers while a pod of `component` terminates; returns the step in
/// which nothing changes any more, and what it waits for.
fn last_step(component: &str, seconds: i64) -> (Option<Step>, Vec<String>) {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: PeerToPeer"));
    let mut running = before.clone();
    // As the pod reported before its node died.
    let mut last_seen = healthy_snapshot(&before);
    add_terminating(&mut last_seen, component, seconds);
    let dead = last_seen.pods.last().unwrap().clone();
    let report = last_seen.reports["uid-of-the-dead-pod"].clone();
    for _ in 0..120 {
        let mut snapshot = healthy_snapshot(&running);
        snapshot.pods.push(Arc::clone(&dead));
        snapshot.reports.insert("uid-of-the-dead-pod".to_owned(), report.clone());
        let evolution = evolve(&wanted, &observe_running(&snapshot), now());
        if evolution.apply == running {
            let waits = evolution.waits.iter().map(ToString::to_string).collect();
            return (evolution.step, waits);
        }
        running = evolution.apply;
    }
    panic!("it never ends");
}

#[test]
fn a_dead_pod_that_writes_to_no_source_blocks_no_change() {
    for component in ["client", "load", "data"] {
        assert_eq!(last_step(component, 60), (None, vec![]), "{component}");
    }
}

#[test]
fn a_dead_pod_that_may_write_to_a_source_is_named_with_the_fix() {
    let (step, waits) = last_step("business", 60);
    assert_eq!(step, Some(Step::Finalize));
    assert_eq!(
        waits,
        [
            "waiting for 1 terminating pods of business: pod shop-business-dead on node machine-3 did \
          not end within its grace period: if that machine is gone for good, run kubectl delete \
          pod shop-business-dead --force --grace-period=0"
        ]
    );
}

#[test]
fn a_pod_within_its_grace_period_is_waited_for() {
    let (step, waits) = last_step("client", 0);
    assert_eq!(step, Some(Step::Finalize));
    assert_eq!(waits, ["waiting for 1 terminating pods of client"]);
}
