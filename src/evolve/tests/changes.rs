//! The properties that hold for a change from any topology to any other.

use super::{
    topologies::{collections, topology},
    world::{BrokenRule, Choices, World},
};
use crate::{
    evolve::{
        Evolution, evolve,
        routing::{CollectionSelector, RouteGraph},
    },
    plan::Topology,
};
use maquette_contract::Collection;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestError, TestRng, TestRunner},
};

/// Collections that have an owner in each of the topologies.
fn always_owned(topologies: &[Topology]) -> Vec<Collection> {
    let graphs: Vec<_> = topologies.iter().map(RouteGraph::from_topology).collect();
    let owned = collections().into_iter().filter(|collection| {
        let selector = CollectionSelector::Named(collection.clone());
        graphs.iter().all(|graph| graph.owner_of(&selector).is_some())
    });
    owned.collect()
}

/// Reconciles and lets all pods catch up until `wanted` runs; panics if it never does.
fn converge(world: &mut World, wanted: &Topology) {
    for _ in 0..100 {
        let Evolution { step, apply, .. } = world.reconcile(wanted, &mut Choices::new(vec![]));
        if step.is_none()
            && apply
                .components()
                .all(|component| world.applied.get(&component.name) == Some(component))
        {
            return;
        }
        world.catch_up();
    }
    let last = evolve(wanted, &world.observe_running(), super::pods::now());
    panic!("it never ends: {:?} {:#?}\n{:#?}", last.step, last.waits, world.log);
}

fn play_change(topologies: &[Topology], numbers: Vec<u32>, broken_rule: Option<BrokenRule>) {
    let mut world = World::new(always_owned(topologies), broken_rule);
    let mut choices = Choices::new(numbers);
    converge(&mut world, &topologies[0]);
    world.catch_up();
    let mut at = 0;
    while choices.has_more() {
        for _ in 0..6 {
            world.random_event(&mut choices);
        }
        world.reconcile(&topologies[at], &mut choices);
        if choices.below(16) == 15 {
            world.break_component(&topologies[at], &mut choices);
        }
        let before = at;
        at = choices.next_wanted(at, topologies.len());
        if at != before {
            world.repair(&topologies[at]);
        }
    }
    // Components that are not wanted in the end may stay broken.
    let wanted = &topologies[topologies.len() - 1];
    world.repair(wanted);
    converge(&mut world, wanted);
    world.catch_up();
    assert!(world.requests.is_empty(), "no response: {:#?}", world.log);
    world.read_all();
    let again = evolve(wanted, &world.observe_running(), super::pods::now());
    assert_eq!(again.blockers, []);
    assert_eq!(again.step, None, "{:#?}", again.waits);
    for component in again.apply.components() {
        assert_eq!(world.applied.get(&component.name), Some(component), "{:#?}", world.log);
    }
}

/// At least 1000 cases; PROPTEST_CASES sets a higher number.
fn test_config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(1000), ..config }
}

proptest! {
    #![proptest_config(test_config())]

    #[test]
    fn any_change_loses_no_write_and_fails_no_request(
        topologies in vec(topology(), 2..=3),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play_change(&topologies, numbers, None);
    }

    #[test]
    fn changing_back_at_any_point_loses_no_write(
        from in topology(),
        to in topology(),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play_change(&[from.clone(), to, from], numbers, None);
    }
}

/// Whether the properties fail if a rule is broken. Always with the same cases.
fn is_detected(broken_rule: BrokenRule) -> bool {
    let config = ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let cases = (vec(topology(), 2..=3), vec(any::<u32>(), 0..700));
    let outcome = runner.run(&cases, |(topologies, numbers)| {
        play_change(&topologies, numbers, Some(broken_rule));
        Ok(())
    });
    matches!(outcome, Err(TestError::Fail(..)))
}

#[test]
fn contracting_before_cutover_is_detected() {
    assert!(is_detected(BrokenRule::ContractFirst));
}

#[test]
fn copying_only_once_is_detected() {
    assert!(is_detected(BrokenRule::CopyOnce));
}
