//! The properties: from any topology to any other, whatever happens on the way.

use super::{
    topologies::{collections, topology},
    world::{BrokenRule, Choices, World},
};
use crate::{
    evolve::{
        Evolution, evolve,
        graph::{CollectionSelector, RouteGraph},
    },
    plan::Topology,
};
use maquette_contract::Collection;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestError, TestRng, TestRunner},
};

/// Collections that somebody owns in each of the topologies.
fn always_owned(topologies: &[Topology]) -> Vec<Collection> {
    let owned = |collection: &Collection| {
        let share = CollectionSelector::Named(collection.clone());
        topologies
            .iter()
            .all(|topology| RouteGraph::from_topology(topology).owner_of(&share).is_some())
    };
    collections().into_iter().filter(owned).collect()
}

/// Lets everything happen until `wanted` runs; panics if it never does.
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

fn play_change(topologies: &[Topology], numbers: Vec<u32>, breaks: Option<BrokenRule>) {
    let mut world = World::new(always_owned(topologies), breaks);
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
        at = choices.change_of_mind(at, topologies.len());
        if at != before {
            world.repair(&topologies[at]);
        }
    }
    // What is not wanted in the end may stay as broken as it is.
    let wanted = &topologies[topologies.len() - 1];
    world.repair(wanted);
    converge(&mut world, wanted);
    world.catch_up();
    assert!(world.requests.is_empty(), "never answered: {:#?}", world.log);
    world.read_all();
    let again = evolve(wanted, &world.observe_running(), super::pods::now());
    assert_eq!(again.blockers, []);
    assert_eq!(again.step, None, "{:#?}", again.waits);
    for component in again.apply.components() {
        assert_eq!(world.applied.get(&component.name), Some(component), "{:#?}", world.log);
    }
}

/// At least a thousand cases; more where PROPTEST_CASES says so.
fn test_config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(1000), ..config }
}

proptest! {
    #![proptest_config(test_config())]

    #[test]
    fn nothing_is_lost_and_no_request_fails_from_any_topology_to_any_other(
        topologies in vec(topology(), 2..=3),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play_change(&topologies, numbers, None);
    }

    #[test]
    fn turning_back_at_any_moment_loses_nothing(
        from in topology(),
        to in topology(),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play_change(&[from.clone(), to, from], numbers, None);
    }
}

/// Whether the properties find out that a rule is broken, always with the same cases.
fn is_detected(breaks: BrokenRule) -> bool {
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
        play_change(&topologies, numbers, Some(breaks));
        Ok(())
    });
    matches!(outcome, Err(TestError::Fail(..)))
}

#[test]
fn retiring_before_callers_have_moved_is_found_out() {
    assert!(is_detected(BrokenRule::ContractFirst));
}

#[test]
fn copying_once_and_never_again_is_found_out() {
    assert!(is_detected(BrokenRule::CopyOnce));
}
