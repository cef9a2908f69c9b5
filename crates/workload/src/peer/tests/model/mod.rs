//! A model of membership, sweeps and quorums under random events: late reports, configurations that
//! arrive at different times, peers that stop and restart, peers that gossip no longer reaches, one
//! lost volume, operations that go over several rounds. No read may miss an acknowledged write, or
//! return an older version than an earlier read.
//!
//! The rules are real; time, network and disks are simulated. Each run plays other schedules and
//! prints its seed; `MAQUETTE_TEST_SEED` plays those of a seed again, `MAQUETTE_TEST_SCHEDULES` sets
//! their number.

mod action;
mod first_start;
mod operations;
mod scenarios;
mod simulation;

use crate::peer::tests::test_seed;
use action::{Action, any_action};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use simulation::{Rules, Simulation};

/// The schedules of a run.
const SCHEDULES: u32 = 80;
fn play(actions: &[Action]) -> Result<(), TestCaseError> {
    let mut simulation = Simulation::new(Rules::default());
    simulation.stabilize();
    for action in actions {
        simulation.apply_action(action);
        simulation.find_stale_read();
        if let Some(violation) = simulation.violation {
            return Err(TestCaseError::fail(violation));
        }
    }
    simulation.stabilize();
    match simulation.violation {
        Some(violation) => Err(TestCaseError::fail(violation)),
        None if simulation.reads == 0 => Err(TestCaseError::fail("nothing was read")),
        None => Ok(()),
    }
}

fn play_schedules(schedules: u32, seed: u64) -> Result<(), TestError<Vec<Action>>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        ProptestConfig { cases: schedules, failure_persistence: None, ..ProptestConfig::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(config, random)
        .run(&prop::collection::vec(any_action(), 100..900), |actions| play(&actions))
}

#[test]
fn no_order_of_events_makes_a_read_go_back() {
    let seed = test_seed();
    let schedules = std::env::var("MAQUETTE_TEST_SCHEDULES")
        .map_or(SCHEDULES, |text| text.parse().expect("a number of schedules"));
    println!("{schedules} schedules, MAQUETTE_TEST_SEED={seed}");
    if let Err(error) = play_schedules(schedules, seed) {
        panic!("MAQUETTE_TEST_SEED={seed}: {error}");
    }
}
