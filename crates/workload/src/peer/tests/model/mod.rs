//! The steps of membership, the checks and the quorums, played through in every disorder: reports
//! that come late, configurations that come at different times, peers that go down and come back,
//! one volume that is lost. No read may miss an acknowledged write, or take back what one told.
//!
//! Here nothing is real but the rules: time, network and disks are played.

mod action;
mod simulation;

use action::any_action;
use proptest::prelude::*;
use simulation::Simulation;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn no_disorder_makes_a_read_miss_what_was_told(
        actions in prop::collection::vec(any_action(), 100..900),
    ) {
        let mut world = Simulation::new();
        world.stabilize();
        for action in &actions {
            world.apply_action(action);
            world.assert_reads_are_truthful();
        }
        world.stabilize();
        prop_assert!(world.reads > 0);
    }
}
