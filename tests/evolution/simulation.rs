//! A rehearsed change is the change: it ends where it should, and its cluster is one that could be.

use crate::{
    cluster::{healthy_snapshot, observe_running, plan_spec, spec},
    specs::valid,
};
use maquette::{
    evolve::{self, Step, evolve, placements, simulate},
    observe::RunningTopology,
    plan::Topology,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn simulated_steps(before: &str, after: &str) -> Vec<Option<Step>> {
    let (before, after) = (plan_spec(&spec(before)), plan_spec(&spec(after)));
    let stages = simulate(&after, &evolve::healthy_cluster(&before));
    let mut steps: Vec<_> = stages.iter().map(|stage| stage.step).collect();
    steps.dedup();
    steps
}

#[test]
fn a_change_of_shape_is_rehearsed_step_by_step() {
    let steps = simulated_steps("shape: ThreeTier", "shape: PeerToPeer");
    assert_eq!(steps, Step::ALL.map(Some));
}

#[test]
fn what_changes_in_place_has_no_steps_and_what_stays_no_stages() {
    let more = "shape: ThreeTier\nthreeTier: {business: {replicas: 3}}";
    assert_eq!(simulated_steps("shape: ThreeTier", more), [None]);
    assert_eq!(simulated_steps("shape: NTier", "shape: NTier"), []);
}

#[test]
fn a_new_architecture_comes_whole_and_nothing_of_it_changes_or_goes_on_the_way() {
    let wanted = plan_spec(&spec("shape: NTier"));
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
fn what_cannot_be_done_is_told_and_nothing_else() {
    let book = "shape: ClientServer\nclientServer: {clients: [{name: book}]}";
    let before = plan_spec(&spec(book));
    let services = "[{name: orders, owns: ['*'], store: {name: book}}]";
    let wanted = plan_spec(&spec(&format!("shape: NTier\nnTier: {{services: {services}}}")));
    let stages = simulate(&wanted, &evolve::healthy_cluster(&before));
    assert_eq!(stages.len(), 1);
    assert!(stages[0].blockers[0].contains("book runs as a service"), "{:?}", stages[0].blockers);
}

/// What `evolve` looks at, but for names that the API server gives.
fn evolve_inputs(running: &RunningTopology) -> Vec<String> {
    let of_component = |(name, component): (_, &maquette::observe::RunningComponent)| {
        let pod = |pod: &maquette::observe::RunningPod| {
            let (_, report) = pod.report.latest.as_ref().expect("a report");
            let edges: BTreeSet<_> = report.edges.iter().map(|edge| edge.to.to_string()).collect();
            let told = Some(&report.revision) == component.revision.as_ref();
            (
                pod.name.clone(),
                pod.ready,
                told,
                edges,
                report.migration_sources.len(),
                report.peer.clone(),
            )
        };
        let pods: Vec<_> = component.pods.iter().map(pod).collect();
        format!("{name}: {:?} {:?} {pods:?}", component.planned, component.workload)
    };
    let components = running.components().map(of_component);
    components.chain([format!("{:?}", running.entry())]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_rehearsed_cluster_is_one_in_which_what_is_rendered_works(spec in valid()) {
        let topology = plan_spec(&spec);
        prop_assert_eq!(evolve_inputs(&evolve::healthy_cluster(&topology)), evolve_inputs(&observe_running(&healthy_snapshot(&topology))));
    }

    #[test]
    fn a_rehearsed_change_ends_and_leaves_no_items_behind(from in valid(), to in valid()) {
        let (before, wanted) = (plan_spec(&from), plan_spec(&to));
        let running = evolve::healthy_cluster(&before);
        let stages = simulate(&wanted, &running);
        if stages.iter().any(|stage| !stage.blockers.is_empty()) {
            prop_assert_eq!(stages.len(), 1);
            return Ok(());
        }
        let end: &Topology = stages.last().map_or(&before, |stage| &stage.apply);
        let left = evolve(&wanted, &evolve::healthy_cluster(end), Default::default());
        prop_assert_eq!(&left.apply.components().collect::<Vec<_>>(), &end.components().collect::<Vec<_>>());
        prop_assert_eq!(end.entry(), wanted.entry());
        prop_assert!(end.components().map(|component| &component.name).eq(wanted.components().map(|component| &component.name)));
        for place in placements(&wanted, &running, &stages) {
            let moves = place.before.is_some() && place.after.is_some() && place.before != place.after;
            prop_assert!(!moves || place.copied, "{place:?}");
        }
    }
}
