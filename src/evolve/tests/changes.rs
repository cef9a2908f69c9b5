//! The properties: from any topology to any other, whatever happens on the way.

use super::{
    topologies::{kinds, topology},
    world::{Choices, World},
};
use crate::{
    evolve::{
        Evolution, evolve,
        graph::{Graph, Share},
    },
    plan::Topology,
};
use maquette_contract::Kind;
use proptest::{collection::vec, prelude::*};

/// Kinds that somebody owns in each of the topologies.
fn always_owned(topologies: &[Topology]) -> Vec<Kind> {
    let owned = |kind: &Kind| {
        let share = Share::Kind(kind.clone());
        topologies.iter().all(|topology| Graph::of_topology(topology).owner(&share).is_some())
    };
    kinds().into_iter().filter(owned).collect()
}

/// Lets everything happen until `wanted` runs; panics if it never does.
fn converge(world: &mut World, wanted: &Topology) {
    for _ in 0..100 {
        let Evolution { step, apply, cannot, .. } =
            world.reconcile(wanted, &mut Choices::new(vec![]));
        if !cannot.is_empty() {
            return;
        }
        if step.is_none() && apply.nodes().all(|node| world.applied.get(&node.name) == Some(node)) {
            return;
        }
        world.catch_up();
    }
    let last = evolve(wanted, &world.running(), super::pods::now());
    panic!("it never ends: {:?} {:#?}\n{:#?}", last.step, last.waits, world.log);
}

fn play(topologies: &[Topology], numbers: Vec<u32>) {
    let mut world = World::new(always_owned(topologies));
    let mut choices = Choices::new(numbers);
    converge(&mut world, &topologies[0]);
    world.catch_up();
    let mut at = 0;
    while choices.are_left() {
        for _ in 0..6 {
            world.happen(&mut choices);
        }
        world.reconcile(&topologies[at], &mut choices);
        at = choices.change_of_mind(at, topologies.len());
    }
    let wanted = &topologies[topologies.len() - 1];
    converge(&mut world, wanted);
    world.catch_up();
    world.read_all();
    let again = evolve(wanted, &world.running(), super::pods::now());
    if again.cannot.is_empty() {
        assert_eq!(again.step, None, "{:#?}", again.waits);
        for node in again.apply.nodes() {
            assert_eq!(world.applied.get(&node.name), Some(node), "{:#?}", world.log);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_no_request_fails_from_any_topology_to_any_other(
        topologies in vec(topology(), 2..=3),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play(&topologies, numbers);
    }

    #[test]
    fn turning_back_at_any_moment_loses_nothing(
        from in topology(),
        to in topology(),
        numbers in vec(any::<u32>(), 0..700),
    ) {
        play(&[from.clone(), to, from], numbers);
    }
}
