//! What users lived through of late: the requests of the load, and those that the entry answered.

use super::{Running, RunningNode, asked};
use crate::plan::Node;
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{NodeName, Role, Traffic};

/// Requests of the last [`Traffic::WINDOW_SECONDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Users {
    /// Requests that ended, as whoever saw more of them counts.
    pub(super) requests: u64,
    /// Those that failed.
    pub(super) failures: u64,
    /// Acknowledged writes that a later read did not find, since the load's pod started.
    pub(super) lost_writes: u64,
    /// Whether a load should run and has not reported of late.
    pub(super) load_silent: bool,
    /// Whether a load should run.
    pub(super) load: bool,
}

/// What users lived through.
pub(super) fn users(nodes: &[Node], entry: &NodeName, running: &Running, now: Timestamp) -> Users {
    let mut users = Users::default();
    for node in nodes {
        let Some(found) = running.node(&node.name) else {
            users.load |= node.role() == Role::Load;
            users.load_silent |= node.role() == Role::Load;
            continue;
        };
        if node.role() == Role::Load {
            load(&mut users, found, now);
        }
    }
    let served = running.node(entry).map(|found| served(nodes, entry, found, now));
    let served = served.unwrap_or_default();
    users.requests = users.requests.max(served.requests);
    users.failures = users.failures.max(served.failures);
    users
}

fn load(users: &mut Users, found: &RunningNode, now: Timestamp) {
    users.load = true;
    let reports: Vec<_> = found.pods.iter().filter_map(|pod| pod.report.fresh(now)).collect();
    users.load_silent |= reports.is_empty();
    for report in reports {
        for edge in &report.edges {
            users.requests += edge.traffic.requests;
            users.failures += edge.traffic.failures;
        }
        users.lost_writes += report.load.map_or(0, |load| load.lost_writes);
    }
}

fn served(nodes: &[Node], entry: &NodeName, found: &RunningNode, now: Timestamp) -> Traffic {
    let role = nodes.iter().find(|node| node.name == *entry).map_or(Role::Service, Node::role);
    let reports = asked(role, &found.pods).iter().filter_map(|pod| pod.report.fresh(now));
    reports.fold(Traffic::default(), |sum, report| Traffic {
        requests: sum.requests + report.served.requests,
        failures: sum.failures + report.served.failures,
        ..sum
    })
}
