//! A change told beforehand: [`evolve`] again and again, on a cluster in which everything that is
//! applied runs at once and works, and every copy completes.

use super::{Evolution, Step, Wait, blocker, evolve, keep_running};
use crate::{
    observe::{PodReport, RunningComponent, RunningPod, RunningTopology, Workload},
    plan::{Behavior, Component, Identity, PlannedSource, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{
    ComponentName, EdgeObservation, LoadObservation, MigrationObservation, Observations,
    PeerObservation, Probe, Revision, Traffic,
};
use std::collections::BTreeMap;

/// The time at which everything happens.
const SIMULATED_TIME: Timestamp = Timestamp::UNIX_EPOCH;
/// More stages than any change has: at most a few for each component and each peer.
const MAX_STAGES: usize = 1000;

/// A part of a change: what is applied in one go.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The step that it is a part of; none where it all is done at once.
    pub step: Option<Step>,
    /// What is applied.
    pub apply: Topology,
    /// What it waits for before the next.
    pub waits: Vec<Wait>,
    /// Why what is wanted cannot be reached, each with its mend; then this is the last stage, and
    /// changes nothing.
    pub blockers: Vec<String>,
}

impl Stage {
    fn from_evolution(
        Evolution { apply, step, waits, blockers: cannot, serves_wanted: _ }: Evolution,
    ) -> Self {
        Self { step, apply, waits, blockers: cannot.iter().map(ToString::to_string).collect() }
    }
}

/// The stages from `running` to `wanted`; none if there is nothing to do. What runs is taken to
/// work, whatever it reports.
pub fn simulate(wanted: &Topology, running: &RunningTopology) -> Vec<Stage> {
    let cannot = blocker::find_blockers(wanted, running);
    if !cannot.is_empty() {
        return vec![Stage::from_evolution(keep_running(wanted, running, cannot))];
    }
    let components = running.components().filter_map(|(_, found)| found.planned.as_ref());
    let components: BTreeMap<_, _> =
        components.map(|component| (component.name.clone(), component.clone())).collect();
    let mut entry = running.entry().cloned();
    let mut runs = components;
    let mut stages: Vec<Stage> = vec![];
    for _ in 0..MAX_STAGES {
        let now = fake_running(&wanted.identity, entry.clone(), &runs);
        let stage = Stage::from_evolution(evolve(wanted, &now, SIMULATED_TIME));
        if entry.as_ref() == Some(stage.apply.entry()) && runs == stage.apply.components {
            return stages;
        }
        entry = Some(stage.apply.entry().clone());
        runs.clone_from(&stage.apply.components);
        stages.push(stage);
    }
    without_end(stages)
}

/// Nobody should ever see this: the properties of `evolve` say that every change ends.
fn without_end(mut stages: Vec<Stage>) -> Vec<Stage> {
    let cannot = format!("the change does not end within {MAX_STAGES} stages: please report this");
    stages.truncate(1);
    stages.iter_mut().for_each(|stage| stage.blockers = vec![cannot.clone()]);
    stages
}

/// A cluster in which `topology` runs and works.
pub fn healthy_cluster(topology: &Topology) -> RunningTopology {
    fake_running(&topology.identity, Some(topology.entry.clone()), &topology.components)
}

fn fake_running(
    identity: &Identity,
    entry: Option<ComponentName>,
    components: &BTreeMap<ComponentName, Component>,
) -> RunningTopology {
    let components = components
        .iter()
        .map(|(name, component)| (name.clone(), fake_component(identity, component)));
    RunningTopology::new(entry, components.collect())
}

fn fake_component(identity: &Identity, component: &Component) -> RunningComponent {
    let workload = Workload {
        is_observed: true,
        desired: component.replicas,
        total: component.replicas,
        updated: component.replicas,
        available: component.replicas,
        issue: None,
    };
    let mut pods: Vec<_> =
        (0..component.replicas).map(|ordinal| fake_pod(identity, component, ordinal)).collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    RunningComponent {
        planned: Some(component.clone()),
        revision: Some(fake_revision()),
        workload: Some(workload),
        pods,
        terminating: 0,
    }
}

/// Every pod has loaded its configuration, whichever it is.
fn fake_revision() -> Revision {
    Revision::of_bytes(b"rehearsed")
}

fn pod_name(identity: &Identity, component: &Component, ordinal: u32) -> String {
    format!("{}-{ordinal}", identity.name.object_name(&component.name))
}

fn fake_pod(identity: &Identity, component: &Component, ordinal: u32) -> RunningPod {
    let name = pod_name(identity, component, ordinal);
    RunningPod {
        uid: name.clone(),
        ip: None,
        ready: true,
        requested_revision: Some(fake_revision().to_string()),
        issue: None,
        report: PodReport {
            latest: Some((SIMULATED_TIME, fake_report(identity, component, name.clone()))),
            failure: None,
        },
        name,
    }
}

fn fake_report(identity: &Identity, component: &Component, pod: String) -> Observations {
    let works = |to| EdgeObservation { to, probe: Probe::Works, traffic: Traffic::default() };
    let (origins, peer) = match &component.behavior {
        Behavior::Service(task) => (task.migration_sources.as_slice(), None),
        Behavior::Peer(task) => {
            let members = (0..task.members).map(|ordinal| pod_name(identity, component, ordinal));
            let peer = PeerObservation { members: members.collect(), under_replicated: 0 };
            (task.migration_sources.as_slice(), Some(peer))
        }
        Behavior::Store(_) | Behavior::Load(_) => (&[][..], None),
    };
    let copied = |origin: &PlannedSource| MigrationObservation {
        component: origin.component.clone(),
        complete: true,
        copied: 0,
    };
    Observations {
        component: component.name.clone(),
        pod,
        revision: fake_revision(),
        older_requests: 0,
        edges: component.edges().into_iter().map(|edge| works(edge.to)).collect(),
        served: Traffic::default(),
        migration_sources: origins.iter().map(copied).collect(),
        items: None,
        peer,
        load: matches!(component.behavior, Behavior::Load(_)).then(LoadObservation::default),
    }
}
