//! The faults that fences and volumes protect from, step by step: they happen in a simulation that
//! leaves the rule out, and in no other.

use super::{
    action::Action,
    simulation::{Rules, Simulation},
};

/// Enough for any change of members, and for a peer with an empty volume to join.
const ROUNDS: usize = 12;

fn step_all(simulation: &mut Simulation, peers: &[usize]) {
    for _ in 0..ROUNDS {
        for peer in peers {
            simulation.apply_action(&Action::Step { peer: *peer });
            simulation.apply_action(&Action::EndSweep { peer: *peer });
        }
    }
}

/// A write reaches peer 1 alone, which then loses its volume and joins again. Another round of the
/// write reaches peer 2. Peers 0 and 1 are a read quorum.
fn lose_a_volume_during_a_write(rules: Rules) -> Option<String> {
    let mut simulation = Simulation::new(rules);
    simulation.stabilize();
    simulation.begin_write_with(0, 0, 0b101, 0b010);
    simulation.apply_action(&Action::LoseVolume { peer: 1 });
    simulation.apply_action(&Action::Start { which: 0 });
    step_all(&mut simulation, &[0, 1, 2, 3, 4]);
    simulation.continue_operation(0, 0b100);
    simulation.end_operation(0);
    simulation.find_stale_read();
    simulation.stabilize();
    simulation.violation
}

#[test]
fn a_copy_on_a_volume_that_was_lost_during_the_write_does_not_count() {
    assert!(lose_a_volume_during_a_write(Rules { volumes: false, ..Rules::default() }).is_some());
    assert_eq!(lose_a_volume_during_a_write(Rules::default()), None);
}

/// Peer 4 has handed over its items and is cut off. Then peer 3 comes back as a member, and a write
/// is acknowledged by peer 3 and one other. Peer 4 reads from the rest.
fn leave_a_peer_behind(rules: Rules, item: usize, other: usize) -> Option<String> {
    let mut simulation = Simulation::new(rules);
    simulation.stabilize();
    for layout in [1, 0] {
        simulation.apply_action(&Action::ConfigureAll { layout });
        step_all(&mut simulation, &[0, 1, 2, 3, 4]);
    }
    simulation.apply_action(&Action::Isolate { peer: 4, isolated: true });
    for peer in 0..4 {
        simulation.apply_action(&Action::Configure { peer, layout: 2 });
    }
    step_all(&mut simulation, &[0, 1, 2, 3]);
    let holders = 1 << 3 | 1 << other;
    simulation.begin_write_with(0, item, u8::MAX, holders);
    simulation.end_operation(0);
    simulation.read(4, item, !holders);
    simulation.violation
}

#[test]
fn a_peer_that_was_left_behind_does_not_answer_an_older_version() {
    let cases: Vec<_> = (0..20).flat_map(|item| (0..3).map(move |other| (item, other))).collect();
    let without = Rules { fences: false, ..Rules::default() };
    assert!(
        cases.iter().any(|(item, other)| leave_a_peer_behind(without, *item, *other).is_some())
    );
    for (item, other) in cases {
        assert_eq!(leave_a_peer_behind(Rules::default(), item, other), None, "{item} {other}");
    }
}
