//! Conditions when requests of users fail, and when the entry Service is broken.

use super::{ARCHITECTURE, assert_condition, make_not_ready, status_after, status_of};
use crate::cluster::change_report;
use k8s_openapi::{
    api::core::v1::{ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use maquette::observe::Snapshot;
use maquette_contract::{LoadObservation, Traffic, keys::LABEL_COMPONENT};
use std::sync::Arc;

#[test]
fn failed_requests_of_users_make_the_model_not_ready() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-client-0", |_, report| report.served.failures = 1);
    });
    assert_condition(&status, "TrafficFlowing", ("False", "RequestsFailing"), "last 15 s");
    assert_condition(&status, "Ready", ("False", "RequestsFailing"), "requests failed");
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| report.edges[0].traffic.failures = 1);
    });
    assert_condition(&status, "TrafficFlowing", ("False", "RequestsFailing"), "");
}

#[test]
fn without_a_load_ready_depends_on_probes() {
    let text = "shape: ThreeTier\nload: {requestsPerSecond: 0}";
    let quiet = |snapshot: &mut Snapshot| {
        for pod in ["shop-client-0", "shop-business-0"] {
            change_report(snapshot, pod, |_, report| report.served = Traffic::default());
        }
    };
    let status = status_of(text, quiet, |_| {});
    assert_condition(&status, "TrafficFlowing", ("Unknown", "NoTraffic"), "there is no load");
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
}

#[test]
fn without_a_load_a_request_counts_for_fifteen_minutes() {
    let last = |seconds: u64| {
        let quiet = move |snapshot: &mut Snapshot| {
            change_report(snapshot, "shop-client-0", |_, report| {
                report.served = Traffic { idle_seconds: Some(seconds), ..Traffic::default() };
            });
        };
        status_of(WITHOUT_LOAD, quiet, |_| {})
    };
    assert_condition(&last(900), "TrafficFlowing", ("True", "RequestsSucceed"), "");
    let part = "there is no load, and no other request has succeeded in the last 15 min";
    assert_condition(&last(901), "TrafficFlowing", ("Unknown", "NoTraffic"), part);
}

#[test]
fn users_who_think_for_longer_than_the_window_are_served() {
    let text = "shape: ThreeTier\nload: {closedLoop: {users: 1, thinkTime: 30s}}";
    let pauses = |seconds: Option<u64>| {
        let quiet = move |snapshot: &mut Snapshot| {
            let traffic = Traffic { idle_seconds: seconds, ..Traffic::default() };
            change_report(snapshot, "shop-load-0", |_, report| {
                report.edges[0].traffic = traffic;
            });
            change_report(snapshot, "shop-client-0", |_, report| report.served = traffic);
        };
        status_of(text, quiet, |_| {})
    };
    assert_condition(&pauses(Some(20)), "TrafficFlowing", ("True", "RequestsSucceed"), "");
    let part = "no request of the load ended";
    assert_condition(&pauses(None), "TrafficFlowing", ("Unknown", "NoTraffic"), part);
}

#[test]
fn a_load_that_waits_for_its_first_answer_is_no_proof_and_soon_a_failure() {
    let waits = |seconds: u64| {
        status_after(|snapshot| {
            change_report(snapshot, "shop-client-0", |_, report| {
                report.served = Traffic::default()
            });
            change_report(snapshot, "shop-load-0", |_, report| {
                report.edges[0].traffic = Traffic::default();
                let waiting_seconds = Some(seconds);
                report.load = Some(LoadObservation { waiting_seconds, ..Default::default() });
            });
        })
    };
    let status = waits(15);
    let part = "the load waits for the entry to answer";
    assert_condition(&status, "TrafficFlowing", ("Unknown", "NoTraffic"), part);
    assert_condition(&status, "Ready", ("Unknown", "NoTraffic"), part);
    let status = waits(16);
    let part = "no request of the load has succeeded since it started, more than 15 s ago; the \
                load's log says why: kubectl -n default logs deployment/shop-load";
    assert_condition(&status, "TrafficFlowing", ("False", "RequestsFailing"), part);
    assert_condition(&status, "Ready", ("False", "RequestsFailing"), part);
}

#[test]
fn traffic_is_unknown_until_a_request_of_the_load_ends() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| {
            report.edges[0].traffic = Traffic::default();
        });
        change_report(snapshot, "shop-client-0", |_, report| report.served = Traffic::default());
    });
    assert_condition(
        &status,
        "TrafficFlowing",
        ("Unknown", "NoTraffic"),
        "no request of the load ended",
    );
    assert_condition(&status, "Ready", ("Unknown", "NoTraffic"), "");
}

#[test]
fn a_lost_write_makes_the_model_not_ready() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| {
            report.load = Some(LoadObservation { lost_writes: 2, ..LoadObservation::default() });
        });
    });
    assert_condition(&status, "TrafficFlowing", ("False", "WritesLost"), "2 acknowledged writes");
    assert_condition(
        &status,
        "Ready",
        ("False", "WritesLost"),
        "rollout restart deployment/shop-load",
    );
}

#[test]
fn a_model_that_contradicts_itself_is_not_ready() {
    let status = status_after(|snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| {
            report.load = Some(LoadObservation { wrong_answers: 1, ..LoadObservation::default() });
        });
    });
    let part = "answers have contradicted earlier ones since the load started";
    assert_condition(&status, "TrafficFlowing", ("False", "WrongAnswers"), part);
    let part = "rollout restart deployment/shop-load";
    assert_condition(&status, "Ready", ("False", "WrongAnswers"), part);
}

#[test]
fn a_load_that_cannot_keep_up_invalidates_its_figures_and_is_no_fault_of_the_model() {
    let behind = LoadObservation {
        late: 12,
        dropped: 1502,
        max_lag_millis: 25_000,
        generator_behind: true,
        ..LoadObservation::default()
    };
    let status_with = |failures: u64| {
        status_after(move |snapshot| {
            change_report(snapshot, "shop-load-0", |_, report| {
                report.load = Some(behind);
                report.edges[0].traffic.failures = failures;
            });
        })
    };
    let status = status_with(0);
    let part = "the load's rate and latencies of the last 5 min are not valid";
    assert_condition(&status, "TrafficFlowing", ("True", "LoadBehind"), part);
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
    let status = status_with(1);
    assert_condition(&status, "TrafficFlowing", ("False", "RequestsFailing"), "");
}

/// Without a load, whose requests would fail.
const WITHOUT_LOAD: &str = "shape: ThreeTier\nload: {requestsPerSecond: 0}";

fn change_entry(snapshot: &mut Snapshot, change: impl FnOnce(&mut ServiceSpec)) {
    let mut services = snapshot.services.iter_mut();
    let service =
        services.find(|service| service.metadata.name.as_deref() == Some("shop")).unwrap();
    change(Arc::make_mut(service).spec.as_mut().unwrap());
}

fn first_port(spec: &mut ServiceSpec) -> &mut ServicePort {
    &mut spec.ports.as_mut().unwrap()[0]
}

#[track_caller]
fn assert_entry_broken(change: impl FnOnce(&mut ServiceSpec), part: &str) {
    let status = status_of(WITHOUT_LOAD, |snapshot| change_entry(snapshot, change), |_| {});
    assert_condition(
        &status,
        "Ready",
        ("False", "EntryBroken"),
        &format!("Service shop, the entry: {part}"),
    );
}

#[test]
fn a_broken_entry_is_not_ready_although_all_probes_work() {
    let select = |label: &'static str, value: &'static str| {
        move |spec: &mut ServiceSpec| {
            spec.selector.as_mut().unwrap().insert(label.to_owned(), value.to_owned());
        }
    };
    assert_entry_broken(select(LABEL_COMPONENT, "data"), "it leads to data, not to client");
    assert_entry_broken(select("team", "blue"), "no pod that it selects is ready");
    assert_entry_broken(|spec| spec.selector = None, "no pod that it selects is ready");
    assert_entry_broken(|spec| first_port(spec).port = 81, "it has no port 80");
    assert_entry_broken(|spec| spec.ports = None, "it has no port 80");
    for target in [
        None,
        Some(IntOrString::Int(9100)),
        Some(IntOrString::String("admin".to_owned())),
        Some(IntOrString::String("nowhere".to_owned())),
    ] {
        let part = "its port 80 leads to no port on which pods take requests";
        assert_entry_broken(|spec| first_port(spec).target_port = target, part);
    }
    let status = status_of(WITHOUT_LOAD, |snapshot| snapshot.services.clear(), |_| {});
    assert_condition(&status, "Ready", ("False", "EntryBroken"), "it does not exist");
    let number =
        |spec: &mut ServiceSpec| first_port(spec).target_port = Some(IntOrString::Int(8080));
    let status = status_of(WITHOUT_LOAD, |snapshot| change_entry(snapshot, number), |_| {});
    assert_condition(&status, "Ready", ("True", "AllWorks"), "");
}

#[test]
fn an_entry_whose_pods_are_not_ready_is_not_ready() {
    // Without the component itself in the target: otherwise its own condition comes first.
    let status = status_of(
        ARCHITECTURE,
        |snapshot| make_not_ready(snapshot, "shop-client-0"),
        |inputs| inputs.target.components.retain(|component| component.name.as_str() != "client"),
    );
    assert_condition(&status, "Ready", ("False", "EntryBroken"), "no pod that it selects is ready");
}
