//! Conditions when pods of a component are missing or not ready.

use super::{ARCHITECTURE, assert_condition, make_not_ready, pod_mut, status_after, status_of};
use crate::cluster::{change_report, now};
use k8s_openapi::{
    api::core::v1::PodCondition, apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration,
};
use maquette::{api::EdgeState, observe::Snapshot};
use maquette_contract::{Probe, Revision};
use std::sync::Arc;

#[test]
fn a_pod_that_is_not_ready_is_named_with_the_reason() {
    let status = status_after(|snapshot| {
        make_not_ready(snapshot, "shop-data-0");
        let unschedulable = PodCondition {
            type_: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            message: Some("too little memory".to_owned()),
            last_transition_time: Some(Time(now())),
            ..PodCondition::default()
        };
        let found = pod_mut(snapshot, "shop-data-0").status.as_mut().unwrap();
        found.conditions.as_mut().unwrap().push(unschedulable);
    });
    let part = "data: pod shop-data-0: unschedulable: too little memory";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
    assert_condition(&status, "Progressing", ("True", "ComponentsNotReady"), part);
    assert_eq!(status.components_ready.as_deref(), Some("3/4"));
}

#[test]
fn a_workload_that_is_not_rolled_out_is_not_ready() {
    let status = status_after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.metadata.generation = Some(2);
    });
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "business: its change has not reached",
    );
    let status = status_after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.status.as_mut().unwrap().updated_replicas = Some(1);
    });
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "business: 1 of 2 pods are ready",
    );
    let status = status_after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.status.as_mut().unwrap().replicas = Some(3);
    });
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "business: 1 more pods than specified are not deleted yet",
    );
    let status = status_after(|snapshot| snapshot.deployments.clear());
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "business: 0 of 2 pods are ready",
    );
}

#[test]
fn a_component_that_was_just_written_is_not_ready() {
    let status = status_of(
        ARCHITECTURE,
        |_| {},
        |inputs| {
            inputs.outcome.changing.insert("data".parse().unwrap());
        },
    );
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "data: its change has not reached",
    );
}

#[test]
fn a_pod_with_an_older_configuration_is_not_ready() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-business-1", |_, report| {
            report.revision = Revision::of_bytes(b"old")
        });
    });
    let part = "business: pod shop-business-1 still runs an older configuration";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
}

#[test]
fn a_component_without_a_fresh_report_is_unknown() {
    let status = status_after(|snapshot| make_report_older(snapshot, 31));
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "shop-business-1 did not report in the last 30 s",
    );
    let edge = status.edges.iter().find(|edge| edge.from == "business").unwrap();
    assert_eq!(edge.state, EdgeState::Unknown);
    let status = status_after(|snapshot| {
        snapshot.reports.get_mut("uid-of-shop-data-0").unwrap().latest = None;
    });
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "data: the next report of pod shop-data-0 is pending",
    );
    let status = status_after(|snapshot| {
        make_report_older(snapshot, 31);
        let report = snapshot.reports.get_mut("uid-of-shop-business-1").unwrap();
        report.failure = Some("connection refused".to_owned());
    });
    assert_condition(
        &status,
        "Ready",
        ("False", "ComponentsNotReady"),
        "does not report: connection refused",
    );
}

fn make_report_older(snapshot: &mut Snapshot, seconds: i64) {
    let age = SignedDuration::from_secs(seconds);
    change_report(snapshot, "shop-business-1", |received, _| *received -= age);
}

#[test]
fn a_report_of_thirty_seconds_still_counts() {
    let status = status_after(|snapshot| make_report_older(snapshot, 30));
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
}

#[test]
fn every_pod_counts() {
    let text = "shape: ThreeTier\nthreeTier: {client: {replicas: 5}}";
    let cut_off = |snapshot: &mut Snapshot| {
        for pod in ["shop-client-3", "shop-client-4"] {
            change_report(snapshot, pod, |_, report| {
                report.edges[0].probe = Probe::Fails { message: "connection refused".to_owned() };
            });
        }
    };
    let status = status_of(text, cut_off, |_| {});
    let part = "client -> business: pod shop-client-3: connection refused";
    assert_condition(&status, "Ready", ("False", "EdgesFailing"), part);
    let silent = |snapshot: &mut Snapshot| {
        snapshot.reports.get_mut("uid-of-shop-client-4").unwrap().latest = None;
    };
    let status = status_of(text, silent, |_| {});
    let part = "client: the next report of pod shop-client-4 is pending";
    assert_condition(&status, "Ready", ("False", "ComponentsNotReady"), part);
    let failed = |snapshot: &mut Snapshot| {
        change_report(snapshot, "shop-client-4", |_, report| report.served.failures = 1);
    };
    let status = status_of(text, failed, |_| {});
    assert_condition(&status, "TrafficFlowing", ("False", "RequestsFailing"), "");
}

#[test]
fn a_report_of_a_pod_that_takes_turns_counts_until_its_turn_comes_again() {
    let with_age = |seconds| {
        status_after(|snapshot| {
            make_report_older(snapshot, seconds);
            snapshot.reports.get_mut("uid-of-shop-business-1").unwrap().is_rotating = true;
        })
    };
    assert_condition(&with_age(90), "Ready", ("True", "AllWorks"), "");
    let part = "shop-business-1 did not report in the last 90 s";
    assert_condition(&with_age(91), "Ready", ("False", "ComponentsNotReady"), part);
}
