//! What the status says of what runs.

use crate::cluster::{change_report, identity, now, planned, read, spec, works};
use k8s_openapi::{
    api::core::v1::{Pod, PodCondition},
    apimachinery::pkg::apis::meta::v1::Condition,
    jiff::SignedDuration,
};
use maquette::{
    api::{ArchitectureStatus, EdgeState, Shape},
    observe::{Acceptance, Facts, Snapshot, Trouble, TroubleKind, status},
    plan::Topology,
};
use maquette_contract::{LoadObservation, Probe, Revision};
use std::sync::Arc;

const ARCHITECTURE: &str = "shape: ThreeTier\nthreeTier: {business: {replicas: 2}}";

pub(crate) fn facts<'a>(topology: &'a Topology) -> Facts<'a> {
    Facts {
        generation: 7,
        identity: topology.identity(),
        acceptance: Acceptance::Accepted { note: "fine".to_owned() },
        shape: Some(Shape::ThreeTier),
        nodes: topology.nodes().cloned().collect(),
        entry: Some(topology.entry().clone()),
        changing: [].into(),
        evolution: None,
        waits: vec![],
        cannot: vec![],
        troubles: vec![],
        volumes: vec![],
        volume_notes: vec![],
    }
}

/// The status of the Architecture after something changed in a cluster where all works.
fn after(change: impl FnOnce(&mut Snapshot)) -> ArchitectureStatus {
    of(ARCHITECTURE, change, |_| {})
}

/// The same for another Architecture, and after a change of what the operator knows.
fn of(
    text: &str,
    change: impl FnOnce(&mut Snapshot),
    know: impl FnOnce(&mut Facts<'_>),
) -> ArchitectureStatus {
    let topology = planned(&spec(text));
    let mut snapshot = works(&topology);
    change(&mut snapshot);
    let mut facts = facts(&topology);
    know(&mut facts);
    status(&facts, &read(&snapshot), None, now())
}

pub(crate) fn condition<'a>(status: &'a ArchitectureStatus, type_: &str) -> &'a Condition {
    status.conditions.iter().find(|condition| condition.type_ == type_).unwrap()
}

#[track_caller]
pub(crate) fn is(status: &ArchitectureStatus, type_: &str, expected: (&str, &str), says: &str) {
    let found = condition(status, type_);
    assert_eq!((found.status.as_str(), found.reason.as_str()), expected, "{}", found.message);
    assert!(found.message.contains(says), "{} does not say {says:?}", found.message);
    assert_eq!(found.observed_generation, Some(7));
}

pub(crate) fn pod<'a>(snapshot: &'a mut Snapshot, name: &str) -> &'a mut Pod {
    let named = |pod: &&mut Arc<Pod>| pod.metadata.name.as_deref() == Some(name);
    Arc::make_mut(snapshot.pods.iter_mut().find(named).unwrap())
}

pub(crate) fn not_ready(snapshot: &mut Snapshot, name: &str) {
    let conditions = pod(snapshot, name).status.as_mut().unwrap().conditions.as_mut().unwrap();
    conditions[0].status = "False".to_owned();
}

#[test]
fn all_works() {
    let status = after(|_| {});
    is(&status, "Accepted", ("True", "Accepted"), "fine");
    is(&status, "Ready", ("True", "AllWorks"), "4 nodes available, 3 edges working");
    is(&status, "Progressing", ("False", "Settled"), "");
    is(&status, "TrafficFlowing", ("True", "RequestsSucceed"), "");
    assert_eq!(status.conditions.len(), 4, "no overlay without peers");
    assert_eq!(status.nodes_ready.as_deref(), Some("4/4"));
    assert_eq!(status.entry.as_deref(), Some("http://shop.default.svc"));
    assert_eq!(status.shape, Some(Shape::ThreeTier));
    assert!(status.edges.iter().all(|edge| edge.state == EdgeState::Flowing));
    assert_eq!(status.nodes[0].ready, 2);
}

#[test]
fn a_pod_that_is_not_ready_is_named_with_what_keeps_it() {
    let status = after(|snapshot| {
        not_ready(snapshot, "shop-data-0");
        let unschedulable = PodCondition {
            type_: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            message: Some("too little memory".to_owned()),
            ..PodCondition::default()
        };
        let found = pod(snapshot, "shop-data-0").status.as_mut().unwrap();
        found.conditions.as_mut().unwrap().push(unschedulable);
    });
    let says = "data: pod shop-data-0: no machine takes it: too little memory";
    is(&status, "Ready", ("False", "NodesNotReady"), says);
    is(&status, "Progressing", ("True", "NodesNotReady"), says);
    assert_eq!(status.nodes_ready.as_deref(), Some("3/4"));
}

#[test]
fn a_workload_that_its_controller_has_not_brought_up_to_date_is_not_ready() {
    let status = after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.metadata.generation = Some(2);
    });
    is(&status, "Ready", ("False", "NodesNotReady"), "business: its change has not reached");
    let status = after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.status.as_mut().unwrap().updated_replicas = Some(1);
    });
    is(&status, "Ready", ("False", "NodesNotReady"), "business: 1 of 2 pods are ready");
    let status = after(|snapshot| {
        let deployment = Arc::make_mut(&mut snapshot.deployments[0]);
        deployment.status.as_mut().unwrap().replicas = Some(3);
    });
    is(&status, "Ready", ("False", "NodesNotReady"), "business: 1 more pods than wanted");
    let status = after(|snapshot| snapshot.deployments.clear());
    is(&status, "Ready", ("False", "NodesNotReady"), "business: 0 of 2 pods are ready");
}

#[test]
fn what_was_written_a_moment_ago_is_not_ready() {
    let status = of(
        ARCHITECTURE,
        |_| {},
        |facts| {
            facts.changing.insert("data".parse().unwrap());
        },
    );
    is(&status, "Ready", ("False", "NodesNotReady"), "data: its change has not reached");
}

#[test]
fn a_pod_with_an_older_configuration_is_not_ready() {
    let status = after(|snapshot| {
        change_report(snapshot, "shop-business-1", |_, report| {
            report.revision = Revision::of(b"old")
        });
    });
    let says = "business: pod shop-business-1 still runs an older configuration";
    is(&status, "Ready", ("False", "NodesNotReady"), says);
}

#[test]
fn without_a_fresh_report_nobody_knows() {
    let old = |snapshot: &mut Snapshot| {
        let age = SignedDuration::from_secs(31);
        change_report(snapshot, "shop-business-1", |received, _| *received -= age);
    };
    let status = after(old);
    is(&status, "Ready", ("False", "NodesNotReady"), "shop-business-1 has not reported of late");
    let edge = status.edges.iter().find(|edge| edge.from == "business").unwrap();
    assert_eq!(edge.state, EdgeState::Unknown);
    let status = after(|snapshot| {
        snapshot.reports.get_mut("uid-of-shop-data-0").unwrap().latest = None;
    });
    is(&status, "Ready", ("False", "NodesNotReady"), "shop-data-0 has not reported yet");
    let status = after(|snapshot| {
        old(snapshot);
        let report = snapshot.reports.get_mut("uid-of-shop-business-1").unwrap();
        report.failure = Some("connection refused".to_owned());
    });
    is(&status, "Ready", ("False", "NodesNotReady"), "does not report: connection refused");
}

#[test]
fn a_report_of_thirty_seconds_still_counts() {
    let status = after(|snapshot| {
        let age = SignedDuration::from_secs(30);
        change_report(snapshot, "shop-business-1", |received, _| *received -= age);
    });
    is(&status, "Ready", ("True", "AllWorks"), "");
}

#[test]
fn one_pod_for_which_an_edge_fails_is_enough() {
    let status = after(|snapshot| {
        change_report(snapshot, "shop-business-1", |_, report| {
            report.edges[0].probe = Probe::Fails { message: "connection refused".to_owned() };
        });
    });
    let says = "business -> data: pod shop-business-1: connection refused";
    is(&status, "Ready", ("False", "EdgesFailing"), says);
    is(&status, "Progressing", ("False", "Settled"), "");
    let status = after(|snapshot| {
        change_report(snapshot, "shop-business-0", |_, report| {
            report.edges[0].traffic.failures = 1
        });
    });
    is(&status, "Ready", ("False", "EdgesFailing"), "shop-business-0: requests failed of late");
}

#[test]
fn an_edge_that_no_probe_has_crossed_yet_is_unknown() {
    let status = after(|snapshot| {
        change_report(snapshot, "shop-business-0", |_, report| {
            report.edges[0].probe = Probe::Pending
        });
    });
    is(&status, "Ready", ("Unknown", "EdgesUnknown"), "business -> data");
    let status = after(|snapshot| {
        change_report(snapshot, "shop-business-0", |_, report| report.edges.clear());
    });
    is(&status, "Ready", ("Unknown", "EdgesUnknown"), "does not know the edge yet");
}

#[test]
fn an_edge_flows_if_requests_cross_it_and_is_reachable_if_only_probes_do() {
    let idle = |snapshot: &mut Snapshot, pod: &str| {
        change_report(snapshot, pod, |_, report| report.edges[0].traffic.requests = 0);
    };
    let state = |status: ArchitectureStatus| {
        status.edges.iter().find(|edge| edge.from == "business").unwrap().state
    };
    assert_eq!(state(after(|s| idle(s, "shop-business-0"))), EdgeState::Flowing);
    let status = after(|snapshot| {
        idle(snapshot, "shop-business-0");
        idle(snapshot, "shop-business-1");
    });
    is(&status, "Ready", ("True", "AllWorks"), "");
    assert_eq!(state(status), EdgeState::Reachable);
}

#[test]
fn requests_of_users_that_fail_make_it_not_ready() {
    let status = after(|snapshot| {
        change_report(snapshot, "shop-client-0", |_, report| report.served.failures = 1);
    });
    is(&status, "TrafficFlowing", ("False", "RequestsFailing"), "last 15 s");
    is(&status, "Ready", ("False", "RequestsFailing"), "requests failed");
    let status = after(|snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| report.edges[0].traffic.failures = 1);
    });
    is(&status, "TrafficFlowing", ("False", "RequestsFailing"), "");
}

#[test]
fn without_a_load_ready_rests_on_probes() {
    let text = "shape: ThreeTier\nload: {requestsPerSecond: 0}";
    let quiet = |snapshot: &mut Snapshot| {
        for pod in ["shop-client-0", "shop-business-0"] {
            change_report(snapshot, pod, |_, report| report.served.requests = 0);
        }
    };
    let status = of(text, quiet, |_| {});
    is(&status, "TrafficFlowing", ("Unknown", "NoTraffic"), "there is no load");
    is(&status, "Ready", ("True", "AllWorks"), "");
}

#[test]
fn a_lost_write_is_told() {
    let status = after(|snapshot| {
        change_report(snapshot, "shop-load-0", |_, report| {
            report.load = Some(LoadObservation { lost_writes: 2, ..LoadObservation::default() });
        });
    });
    is(&status, "TrafficFlowing", ("True", "WritesLost"), "2 acknowledged writes");
}

#[test]
fn what_keeps_the_operator_from_its_work_comes_first() {
    let trouble = |kind, message: &str| Trouble { kind, message: message.to_owned() };
    let status = of(
        ARCHITECTURE,
        |snapshot| not_ready(snapshot, "shop-data-0"),
        |facts| {
            facts.troubles.push(trouble(TroubleKind::Failed, "Service shop-data: too many"));
            facts.troubles.push(trouble(TroubleKind::Conflict, "Service shop is not ours"));
        },
    );
    is(&status, "Ready", ("False", "Conflict"), "Service shop is not ours");
    is(&status, "Progressing", ("False", "Conflict"), "Service shop is not ours");
    let status = of(
        ARCHITECTURE,
        |_| {},
        |facts| {
            facts.troubles.push(trouble(TroubleKind::Removal, "waiting for Service shop"));
        },
    );
    is(&status, "Ready", ("False", "WaitingForRemoval"), "waiting for Service shop");
    is(&status, "Progressing", ("True", "Evolving"), "waiting for Service shop");
}

#[test]
fn what_is_not_yet_as_wanted_is_not_ready_although_all_works() {
    let status = of(ARCHITECTURE, |_| {}, |facts| facts.waits.push("waiting for x".to_owned()));
    is(&status, "Ready", ("False", "Evolving"), "waiting for x");
    is(&status, "Progressing", ("True", "Evolving"), "waiting for x");
}

#[test]
fn a_specification_that_is_refused_is_never_ready() {
    let status = of(
        ARCHITECTURE,
        |_| {},
        |facts| {
            facts.acceptance = Acceptance::Refused { problems: "spec.x: bad".to_owned() };
        },
    );
    is(&status, "Accepted", ("False", "Refused"), "spec.x: bad");
    is(&status, "Ready", ("False", "Refused"), "");
    is(&status, "Progressing", ("False", "Refused"), "");
}

#[test]
fn peers_must_see_each_other() {
    let text = "shape: PeerToPeer\npeerToPeer: {replicas: 3}";
    let status = of(text, |_| {}, |_| {});
    is(&status, "OverlayConnected", ("True", "AllPeersSeen"), "all its copies");
    is(&status, "Ready", ("True", "AllWorks"), "");
    let lose = |report: &mut maquette_contract::Observations| {
        report.peer.as_mut().unwrap().members.retain(|name| name != "shop-peers-2");
    };
    let status = of(text, |s| change_report(s, "shop-peers-0", |_, report| lose(report)), |_| {});
    let says = "shop-peers-0 does not see shop-peers-2";
    is(&status, "OverlayConnected", ("False", "PeersMissing"), says);
    is(&status, "Ready", ("False", "PeersMissing"), says);
    let copying = |report: &mut maquette_contract::Observations| {
        report.peer.as_mut().unwrap().not_whole = 3;
    };
    let status =
        of(text, |s| change_report(s, "shop-peers-0", |_, report| copying(report)), |_| {});
    is(&status, "OverlayConnected", ("True", "AllPeersSeen"), "being made whole");
}

#[test]
fn a_transition_has_the_time_at_which_the_status_turned() {
    let topology = planned(&spec(ARCHITECTURE));
    let facts = facts(&topology);
    let snapshot = works(&topology);
    let first = status(&facts, &read(&snapshot), None, now());
    let later = now() + SignedDuration::from_secs(5);
    let same = status(&facts, &read(&snapshot), Some(&first), later);
    assert_eq!(first, same);
    let mut broken = snapshot.clone();
    not_ready(&mut broken, "shop-data-0");
    let turned = status(&facts, &read(&broken), Some(&first), later);
    let time = |status: &ArchitectureStatus, type_| condition(status, type_).last_transition_time.0;
    assert_eq!(time(&turned, "Ready"), later);
    assert_eq!(time(&turned, "TrafficFlowing"), now());
    let mut other = broken.clone();
    not_ready(&mut other, "shop-client-0");
    let even_later = later + SignedDuration::from_secs(5);
    let still = status(&facts, &read(&other), Some(&turned), even_later);
    assert_eq!(time(&still, "Ready"), later, "another message is no transition");
    assert_ne!(condition(&still, "Ready").message, condition(&turned, "Ready").message);
}

#[test]
fn an_architecture_of_which_nothing_runs_yet_says_so() {
    let topology = planned(&spec(ARCHITECTURE));
    let status = status(&facts(&topology), &read(&Snapshot::default()), None, now());
    is(&status, "Ready", ("False", "NodesNotReady"), "business: 0 of 2 pods are ready");
    is(&status, "TrafficFlowing", ("Unknown", "NotReported"), "");
    assert_eq!(status.nodes_ready.as_deref(), Some("0/4"));
    assert_eq!(identity(), *topology.identity());
}
