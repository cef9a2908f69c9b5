//! Conditions when edges fail or are unknown, also between peers.

use super::{assert_condition, status_after, status_of};
use crate::cluster::change_report;
use maquette::{
    api::{ArchitectureStatus, EdgeState},
    observe::Snapshot,
};
use maquette_contract::{Probe, Traffic};

#[test]
fn an_edge_fails_if_it_fails_for_one_pod() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-business-1", |_, report| {
            report.edges[0].probe = Probe::Fails { message: "connection refused".to_owned() };
        });
    });
    let part = "business -> data: pod shop-business-1: connection refused";
    assert_condition(&status, "Ready", ("False", "EdgesFailing"), part);
    assert_condition(&status, "Progressing", ("False", "UpToDate"), "");
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-business-0", |_, report| {
            report.edges[0].traffic.failures = 1
        });
    });
    assert_condition(
        &status,
        "Ready",
        ("False", "EdgesFailing"),
        "shop-business-0: requests failed in the last 15 s",
    );
}

#[test]
fn an_edge_without_a_probe_result_is_unknown() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-business-0", |_, report| {
            report.edges[0].probe = Probe::Pending
        });
    });
    assert_condition(&status, "Ready", ("Unknown", "EdgesUnknown"), "business -> data");
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-business-0", |_, report| report.edges.clear());
    });
    assert_condition(&status, "Ready", ("Unknown", "EdgesUnknown"), "does not report the edge yet");
}

#[test]
fn an_edge_with_requests_flows_and_one_with_probes_only_is_reachable() {
    let status = status_after(|snapshot| stop_requests(snapshot, "shop-business-0"));
    assert_eq!(edge_state(&status), EdgeState::Flowing);
    let status = status_after(|snapshot| {
        stop_requests(snapshot, "shop-business-0");
        stop_requests(snapshot, "shop-business-1");
    });
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    assert_eq!(edge_state(&status), EdgeState::Reachable);
}

#[test]
fn an_edge_flows_however_rare_its_requests_are() {
    let status = status_after(|snapshot| {
        stop_requests(snapshot, "shop-business-0");
        change_report(snapshot, "shop-business-1", |_, report| {
            let rare = Traffic { idle_seconds: Some(86_400), ..Traffic::default() };
            report.edges[0].traffic = rare;
        });
    });
    assert_eq!(edge_state(&status), EdgeState::Flowing);
}

fn stop_requests(snapshot: &mut Snapshot, pod: &str) {
    change_report(snapshot, pod, |_, report| report.edges[0].traffic = Traffic::default());
}

fn edge_state(status: &ArchitectureStatus) -> EdgeState {
    status.edges.iter().find(|edge| edge.from == "business").unwrap().state
}

#[test]
fn peers_must_see_each_other() {
    let text = "shape: PeerToPeer\npeerToPeer: {replicas: 3}";
    let status = status_of(text, |_| {}, |_| {});
    assert_condition(&status, "OverlayConnected", ("True", "AllPeersSeen"), "all its copies");
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    let lose = |report: &mut maquette_contract::Observations| {
        report.peer.as_mut().unwrap().members.retain(|name| name != "shop-peers-2");
    };
    let status =
        status_of(text, |s| change_report(s, "shop-peers-0", |_, report| lose(report)), |_| {});
    let part = "shop-peers-0 does not see shop-peers-2";
    assert_condition(&status, "OverlayConnected", ("False", "PeersMissing"), part);
    assert_condition(&status, "Ready", ("False", "PeersMissing"), part);
    let copying = |report: &mut maquette_contract::Observations| {
        report.peer.as_mut().unwrap().under_replicated = 3;
    };
    let status =
        status_of(text, |s| change_report(s, "shop-peers-0", |_, report| copying(report)), |_| {});
    assert_condition(
        &status,
        "OverlayConnected",
        ("True", "AllPeersSeen"),
        "under-replicated items are being copied",
    );
}
