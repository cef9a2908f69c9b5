//! A model of membership, sweeps and quorums under random events: late reports, configurations that
//! arrive at different times, peers that stop and restart, one lost volume. No read may miss an
//! acknowledged write, or return an older version than an earlier read.
//!
//! The rules are real; time, network and disks are simulated.

mod action;
mod first_start;
mod simulation;

use action::any_action;
use proptest::prelude::*;
use simulation::Simulation;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn no_order_of_events_makes_a_read_go_back(
        actions in prop::collection::vec(any_action(), 100..900),
    ) {
        let mut simulation = Simulation::new();
        simulation.stabilize();
        for action in &actions {
            simulation.apply_action(action);
            simulation.assert_no_read_is_stale();
        }
        simulation.stabilize();
        prop_assert!(simulation.reads > 0);
    }
}
