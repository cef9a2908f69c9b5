//! A simulated change is the change: it ends with the wanted topology, and its cluster is one that
//! is possible.

use crate::{
    cluster::{healthy_snapshot, observe_running, parse_spec, plan_spec},
    edges,
    specs::valid,
};
use maquette::{
    evolve::{self, Step, evolve, placements, simulate},
    observe::{RunningPod, RunningTopology},
    plan::Topology,
};
use maquette_contract::{
    ComponentConfig, ComponentName, Observations, Revision, RoleConfig, keys::CONFIG_FILE,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn simulated_steps(before: &str, after: &str) -> Vec<Option<Step>> {
    let (before, after) = (plan_spec(&parse_spec(before)), plan_spec(&parse_spec(after)));
    let stages = simulate(&after, &evolve::healthy_cluster(&before));
    let mut steps: Vec<_> = stages.iter().map(|stage| stage.step).collect();
    steps.dedup();
    steps
}

#[test]
fn a_change_of_shape_has_all_steps() {
    let steps = simulated_steps("shape: ThreeTier", "shape: PeerToPeer");
    assert_eq!(steps, Step::ALL.map(Some));
}

#[test]
fn a_change_in_place_has_no_steps() {
    let more = "shape: ThreeTier\nthreeTier: {business: {replicas: 3}}";
    assert_eq!(simulated_steps("shape: ThreeTier", more), [None]);
    assert_eq!(simulated_steps("shape: NTier", "shape: NTier"), []);
}

#[test]
fn components_of_a_new_architecture_are_never_changed_or_removed() {
    let wanted = plan_spec(&parse_spec("shape: NTier"));
    let stages = simulate(&wanted, &RunningTopology::default());
    assert_eq!(stages.last().map(|stage| &stage.apply), Some(&wanted));
    for pair in stages.windows(2) {
        let mut before = pair[0].apply.components();
        assert!(
            before.all(|component| pair[1].apply.component(&component.name) == Some(component))
        );
    }
}

#[test]
fn a_blocked_change_has_one_stage() {
    let book = "shape: ClientServer\nclientServer: {clients: [{name: book}]}";
    let before = plan_spec(&parse_spec(book));
    let services = "[{name: orders, owns: ['*'], store: {name: book}}]";
    let wanted = plan_spec(&parse_spec(&format!("shape: NTier\nnTier: {{services: {services}}}")));
    let stages = simulate(&wanted, &evolve::healthy_cluster(&before));
    assert_eq!(stages.len(), 1);
    assert!(stages[0].blockers[0].contains("book runs as a service"), "{:?}", stages[0].blockers);
}

/// What `evolve` reads, without the names that the API server generates.
fn evolve_inputs(running: &RunningTopology) -> Vec<String> {
    let components = running.components().map(|(name, component)| {
        let revision = component.revision.as_ref();
        let pods: Vec<_> = component.pods.iter().map(|pod| pod_inputs(pod, revision)).collect();
        format!("{name}: {:?} {:?} {pods:?}", component.planned, component.workload)
    });
    components.chain([format!("{:?}", running.entry())]).collect()
}

fn pod_inputs(pod: &RunningPod, revision: Option<&Revision>) -> String {
    let (_, report) = pod.report.latest.as_ref().expect("a report");
    let is_configured = Some(&report.revision) == revision;
    let sources = report.migration_sources.len();
    let (edges, peer) = (edge_targets(report), &report.peer);
    format!("{} {} {is_configured} {edges:?} {sources} {peer:?}", pod.name, pod.ready)
}

fn edge_targets(report: &Observations) -> BTreeSet<ComponentName> {
    report.edges.iter().map(|edge| edge.to.clone()).collect()
}

/// Checks the reports of a healthy cluster against a rendered configuration, whose workload sends
/// them.
fn assert_reports_match(config: &ComponentConfig, running: &RunningTopology) {
    let members = match &config.role {
        RoleConfig::Peer(peer) => peer.members.iter().map(|one| one.name.clone()).collect(),
        _ => vec![],
    };
    for pod in &running.component(&config.component).expect("it runs").pods {
        let (_, report) = pod.report.latest.as_ref().expect("a report");
        assert_eq!(edge_targets(report), edges::targets(config).into_iter().collect());
        assert_eq!(report.migration_sources, edges::copied(config));
        let reported = report.peer.as_ref().map(|peer| peer.members.clone());
        assert_eq!(reported.unwrap_or_default(), members);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_simulated_cluster_is_the_rendered_one(spec in valid()) {
        let topology = plan_spec(&spec);
        let simulated = evolve::healthy_cluster(&topology);
        let snapshot = healthy_snapshot(&topology);
        prop_assert_eq!(evolve_inputs(&simulated), evolve_inputs(&observe_running(&snapshot)));
        for config_map in &snapshot.config_maps {
            let text = &config_map.data.as_ref().unwrap()[CONFIG_FILE];
            assert_reports_match(&ComponentConfig::from_json(text).unwrap(), &simulated);
        }
    }

    #[test]
    fn a_simulated_change_ends_and_leaves_no_items_behind(from in valid(), to in valid()) {
        let (before, wanted) = (plan_spec(&from), plan_spec(&to));
        let running = evolve::healthy_cluster(&before);
        let stages = simulate(&wanted, &running);
        if stages.iter().any(|stage| !stage.blockers.is_empty()) {
            prop_assert_eq!(stages.len(), 1);
            return Ok(());
        }
        let end: &Topology = stages.last().map_or(&before, |stage| &stage.apply);
        let next = evolve(&wanted, &evolve::healthy_cluster(end), Default::default());
        prop_assert!(next.apply.components().eq(end.components()));
        prop_assert_eq!(end.entry(), wanted.entry());
        let names = end.components().map(|component| &component.name);
        prop_assert!(names.eq(wanted.components().map(|component| &component.name)));
        for placement in placements(&wanted, &running, &stages) {
            let (before, after) = (&placement.before, &placement.after);
            let moves = before.is_some() && after.is_some() && before != after;
            prop_assert!(!moves || placement.copied, "{placement:?}");
        }
    }
}
