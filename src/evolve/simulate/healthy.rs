//! A cluster in which everything that is applied works. Previews start from it, and so do tests.

use crate::{
    evolve::routing::migration_sources,
    observe::{PodReport, RunningComponent, RunningPod, RunningTopology, Workload},
    plan::{Behavior, Component, Identity, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{
    ComponentName, EdgeObservation, LoadObservation, MigrationObservation, Observations,
    PeerObservation, Probe, Revision, Traffic,
};
use std::collections::BTreeMap;

/// When every report was received.
pub(super) const FAKE_TIME: Timestamp = Timestamp::UNIX_EPOCH;
/// Requests on every edge and of every server in the last window, all successful.
const TRAFFIC: Traffic =
    Traffic { requests: 5, failures: 0, p50_micros: 0, p99_micros: 0, idle_seconds: Some(0) };
/// Items that every complete copy has copied.
const COPIED_ITEMS: u64 = 5;

/// A cluster in which `topology` runs and works: all pods are ready and report that their edges
/// work and their copies are complete.
pub fn healthy_cluster(topology: &Topology) -> RunningTopology {
    healthy_topology(&topology.identity, Some(topology.entry.clone()), &topology.components)
}

pub(super) fn healthy_topology(
    identity: &Identity,
    entry: Option<ComponentName>,
    components: &BTreeMap<ComponentName, Component>,
) -> RunningTopology {
    let running = components
        .iter()
        .map(|(name, component)| (name.clone(), healthy_component(identity, component)));
    RunningTopology::new(entry, running.collect())
}

fn healthy_component(identity: &Identity, component: &Component) -> RunningComponent {
    let workload = Workload {
        is_observed: true,
        desired: component.replicas,
        total: component.replicas,
        updated: component.replicas,
        available: component.replicas,
        is_rolling: false,
        issue: None,
    };
    let mut pods: Vec<_> =
        (0..component.replicas).map(|ordinal| healthy_pod(identity, component, ordinal)).collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    RunningComponent {
        planned: Some(component.clone()),
        revision: Some(fake_revision()),
        members: None,
        workload: Some(workload),
        pods,
        terminating: vec![],
        claim_issue: None,
        claims_unbound: false,
    }
}

/// The same for all configurations: every pod has loaded the newest one.
fn fake_revision() -> Revision {
    Revision::of_bytes(b"healthy")
}

fn pod_name(identity: &Identity, component: &Component, ordinal: u32) -> String {
    format!("{}-{ordinal}", identity.name.object_name(&component.name))
}

fn healthy_pod(identity: &Identity, component: &Component, ordinal: u32) -> RunningPod {
    let name = pod_name(identity, component, ordinal);
    let report = healthy_report(identity, component, name.clone());
    RunningPod {
        uid: name.clone(),
        ip: None,
        ready: true,
        requested_revision: Some(fake_revision().to_string()),
        issue: None,
        report: PodReport { latest: Some((FAKE_TIME, report)), ..PodReport::default() },
        name,
    }
}

fn healthy_report(identity: &Identity, component: &Component, pod: String) -> Observations {
    let edges = component.edges().into_iter().map(|edge| EdgeObservation {
        to: edge.to,
        probe: Probe::Works,
        traffic: TRAFFIC,
    });
    let copies = migration_sources(component).iter().map(|source| MigrationObservation {
        component: source.component.clone(),
        complete: true,
        copied: COPIED_ITEMS,
    });
    let peer = match &component.behavior {
        Behavior::Peer(peer) => Some(PeerObservation {
            members: (0..peer.members).map(|n| pod_name(identity, component, n)).collect(),
            under_replicated: 0,
        }),
        _ => None,
    };
    Observations {
        component: component.name.clone(),
        pod,
        revision: fake_revision(),
        older_requests: 0,
        edges: edges.collect(),
        served: TRAFFIC,
        migration_sources: copies.collect(),
        items: None,
        damaged_items: maquette_contract::DamagedItems::default(),
        volume: None,
        peer,
        load: matches!(component.behavior, Behavior::Load(_)).then(LoadObservation::default),
    }
}
