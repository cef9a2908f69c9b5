//! The properties: from any topology to any other, whatever happens on the way.

use super::{
    topologies::{collections, topology},
    world::{Broken, Choices, World},
};
use crate::{
    evolve::{
        Evolution, evolve,
        graph::{Graph, Share},
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
        let share = Share::Collection(collection.clone());
        topologies.iter().all(|topology| Graph::of_topology(topology).owner(&share).is_some())
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
    let last = evolve(wanted, &world.running(), super::pods::now());
    panic!("it never ends: {:?} {:#?}\n{:#?}", last.step, last.waits, world.log);
}

fn play(topologies: &[Topology], numbers: Vec<u32>, breaks: Option<Broken>) {
    let mut world = World::new(always_owned(topologies), breaks);
    let mut choices = Choices::new(numbers);
    converge(&mut world, &topologies[0]);
    world.catch_up();
    let mut at = 0;
    while choices.are_left() {
        for _ in 0..6 {
            world.happen(&mut choices);
        }
        world.reconcile(&topologies[at], &mut choices);
        if choices.below(16) == 15 {
            world.break_one(&topologies[at], &mut choices);
        }
        let before = at;
        at = choices.change_of_mind(at, topologies.len());
        if at != before {
            world.mend(&topologies[at]);
        }
    }
    // What is not wanted in the end may stay as broken as it is.
    let wanted = &topologies[topologies.len() - 1];
    world.mend(wanted);
    converge(&mut world, wanted);
    world.catch_up();
    assert!(world.requests.is_empty(), "never answered: {:#?}", world.log);
    world.read_all();
    let again = evolve(wanted, &world.running(), super::pods::now());
    assert_eq!(again.cannot, []);
    assert_eq!(again.step, None, "{:#?}", again.waits);
    for component in again.apply.components() {
        assert_eq!(world.applied.get(&component.name), Some(component), "{:#?}", world.log);
    }
}

/// At least a thousand cases; more where PROPTEST_CASES says so.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(1000), ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_lost_and_no_request_fails_from_any_topology_to_any_other(
        topologies in vec(topology(), 2..=3),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play(&topologies, numbers, None);
    }

    #[test]
    fn turning_back_at_any_moment_loses_nothing(
        from in topology(),
        to in topology(),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play(&[from.clone(), to, from], numbers, None);
    }
}

/// Whether the properties find out that a rule is broken, always with the same cases.
fn is_found_out(breaks: Broken) -> bool {
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
        play(&topologies, numbers, Some(breaks));
        Ok(())
    });
    matches!(outcome, Err(TestError::Fail(..)))
}

#[test]
fn retiring_before_callers_have_moved_is_found_out() {
    assert!(is_found_out(Broken::RetireFirst));
}

#[test]
fn copying_once_and_never_again_is_found_out() {
    assert!(is_found_out(Broken::CopyOnce));
}
