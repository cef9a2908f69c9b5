//! Volumes that fill up, and items that cannot be read.

use super::{ARCHITECTURE, Inputs, assert_condition, status_of};
use crate::cluster::{
    change_report, healthy_snapshot, now, observe_running, parse_spec, plan_spec,
};
use maquette::{
    api::ArchitectureStatus,
    observe::{PodReport, Snapshot},
};
use maquette_contract::{DamagedItems, VolumeObservation};

const PEERS: &str = "{shape: PeerToPeer, load: {requestsPerSecond: 0}}";

fn has_condition(status: &ArchitectureStatus, type_: &str) -> bool {
    status.conditions.iter().any(|condition| condition.type_ == type_)
}

fn set_volume(snapshot: &mut Snapshot, pod: &str, used_percent: u64, full: bool) {
    let volume = VolumeObservation { bytes: 1000, free_bytes: 1000 - 10 * used_percent, full };
    change_report(snapshot, pod, |_, report| report.volume = Some(volume));
}

fn set_damaged(snapshot: &mut Snapshot, pod: &str, count: u64, examples: &[&str]) {
    let examples = examples.iter().map(|key| (*key).to_owned()).collect();
    change_report(snapshot, pod, |_, report| {
        report.damaged_items = DamagedItems { count, examples };
    });
}

#[test]
fn a_full_volume_is_not_ready_and_names_the_pod_and_the_fix() {
    let full = |snapshot: &mut Snapshot| set_volume(snapshot, "shop-data-0", 99, true);
    let status = status_of(ARCHITECTURE, full, |_| {});
    let part = "data: the volume of pod shop-data-0 is full and refuses writes. Reads and deletes are \
                served: raise storage.size of the component, or delete items";
    assert_condition(&status, "VolumePressure", ("True", "VolumeFull"), part);
    assert_condition(&status, "Ready", ("False", "VolumeFull"), part);
    assert_condition(&status, "Progressing", ("False", "UpToDate"), "");
    let failing = |snapshot: &mut Snapshot| {
        full(snapshot);
        change_report(snapshot, "shop-load-0", |_, report| report.edges[0].traffic.failures = 9);
    };
    let status = status_of(ARCHITECTURE, failing, |_| {});
    assert_condition(&status, "Ready", ("False", "VolumeFull"), "is full and refuses writes");
}

#[test]
fn a_volume_that_is_nearly_full_is_named_until_it_has_clearly_more_room() {
    let topology = plan_spec(&parse_spec(PEERS));
    let inputs = Inputs::of(&topology);
    let mut previous = None;
    for (percent, is_named) in
        [(89, false), (90, true), (88, true), (87, true), (86, false), (89, false)]
    {
        let mut snapshot = healthy_snapshot(&topology);
        set_volume(&mut snapshot, "shop-peers-1", percent, false);
        let status = inputs.status(&observe_running(&snapshot), previous.as_ref(), now());
        assert_eq!(has_condition(&status, "VolumePressure"), is_named, "{percent}");
        if is_named {
            let part = "peers: the volume of pod shop-peers-1 is about 90 % full or more";
            assert_condition(&status, "VolumePressure", ("True", "VolumeNearlyFull"), part);
        }
        assert_condition(&status, "Ready", ("True", "AllWorks"), "");
        previous = Some(status);
    }
}

#[test]
fn a_volume_that_the_message_leaves_out_does_not_change_the_status_again_and_again() {
    let spec = "{shape: PeerToPeer, peerToPeer: {replicas: 5}, load: {requestsPerSecond: 0}}";
    let topology = plan_spec(&parse_spec(spec));
    let inputs = Inputs::of(&topology);
    let status = |last_percent, previous: Option<&ArchitectureStatus>| {
        let mut snapshot = healthy_snapshot(&topology);
        for ordinal in 0..4 {
            set_volume(&mut snapshot, &format!("shop-peers-{ordinal}"), 95, false);
        }
        set_volume(&mut snapshot, "shop-peers-4", last_percent, false);
        inputs.status(&observe_running(&snapshot), previous, now())
    };
    let first = status(90, None);
    assert_condition(&first, "VolumePressure", ("True", "VolumeNearlyFull"), "; and 2 more");
    assert_eq!(status(89, Some(&first)).conditions, first.conditions);
}

#[test]
fn damaged_items_are_named_and_do_not_make_the_model_not_ready() {
    let status = status_of(
        ARCHITECTURE,
        |snapshot| {
            set_damaged(snapshot, "shop-business-0", 1, &["orders/7"]);
            set_damaged(snapshot, "shop-business-1", 7, &["orders/1", "orders/2"]);
        },
        |_| {},
    );
    let part = "business: pod shop-business-1 knows 7 damaged items: orders/1, orders/2 and others, \
                and 1 more pod has some. Reads of them fail until";
    assert_condition(&status, "ItemsDamaged", ("True", "DamagedItems"), part);
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    let one = |snapshot: &mut Snapshot| set_damaged(snapshot, "shop-business-1", 1, &["orders/1"]);
    let part = "business: pod shop-business-1 knows 1 damaged item: orders/1. Reads";
    let status = status_of(ARCHITECTURE, one, |_| {});
    assert_condition(&status, "ItemsDamaged", ("True", "DamagedItems"), part);
}

#[test]
fn a_restart_of_the_operator_keeps_what_is_known_until_the_pods_report() {
    let topology = plan_spec(&parse_spec(ARCHITECTURE));
    let inputs = Inputs::of(&topology);
    let mut snapshot = healthy_snapshot(&topology);
    set_volume(&mut snapshot, "shop-data-0", 95, false);
    set_damaged(&mut snapshot, "shop-business-0", 1, &["orders/7"]);
    let before = inputs.status(&observe_running(&snapshot), None, now());
    for report in snapshot.reports.values_mut() {
        *report = PodReport { is_awaited: true, ..PodReport::default() };
    }
    let after = inputs.status(&observe_running(&snapshot), Some(&before), now());
    assert_eq!(after.conditions, before.conditions);
}
