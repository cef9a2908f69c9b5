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
mod simulation;

use crate::peer::tests::test_seed;
use action::{Action, any_action};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use simulation::{Rules, Simulation};

/// The schedules of a run.
const SCHEDULES: u32 = 150;
/// The schedules within which each fault is found. Chosen for [`FAULT_SEED`].
const FAULT_SCHEDULES: u32 = 3000;
const FAULT_SEED: u64 = 7;

fn play(actions: &[Action], rules: Rules) -> Result<(), TestCaseError> {
    let mut simulation = Simulation::new(rules);
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

fn config_with(schedules: u32) -> ProptestConfig {
    ProptestConfig { cases: schedules, failure_persistence: None, ..ProptestConfig::default() }
}

fn play_schedules(
    config: ProptestConfig,
    seed: u64,
    rules: Rules,
) -> Result<(), TestError<Vec<Action>>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(config, random)
        .run(&prop::collection::vec(any_action(), 100..900), |actions| play(&actions, rules))
}

#[test]
fn no_order_of_events_makes_a_read_go_back() {
    let seed = test_seed();
    let schedules = std::env::var("MAQUETTE_TEST_SCHEDULES")
        .map_or(SCHEDULES, |text| text.parse().expect("a number of schedules"));
    println!("{schedules} schedules, MAQUETTE_TEST_SEED={seed}");
    if let Err(error) = play_schedules(config_with(schedules), seed, Rules::default()) {
        panic!("MAQUETTE_TEST_SEED={seed}: {error}");
    }
}

fn finds_fault(rules: Rules) -> bool {
    let config = ProptestConfig { max_shrink_iters: 0, ..config_with(FAULT_SCHEDULES) };
    play_schedules(config, FAULT_SEED, rules).is_err()
}

/// What the fences and the volumes protect from: the model finds it when they are left out.
#[test]
fn without_fences_a_peer_left_behind_hides_a_write() {
    assert!(finds_fault(Rules { fences: false, ..Rules::default() }));
}

#[test]
fn without_volumes_a_lost_disk_counts_as_a_copy() {
    assert!(finds_fault(Rules { volumes: false, ..Rules::default() }));
}
