//! The events of the model.

use super::simulation::{ITEMS, PEERS, Simulation, layout};
use proptest::prelude::*;

/// One event.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Configure {
        peer: usize,
        layout: usize,
    },
    ConfigureAll {
        layout: usize,
    },
    DeliverReport {
        peer: usize,
        of: usize,
    },
    /// Receives all reports, takes a step and starts a sweep.
    Step {
        peer: usize,
    },
    EndSweep {
        peer: usize,
    },
    BeginWrite {
        via: usize,
        item: usize,
        mask: u8,
    },
    /// Another round of the newest read or write.
    Continue {
        via: usize,
        mask: u8,
    },
    /// Requests of the first round of the newest operation arrive.
    DeliverLate {
        via: usize,
        mask: u8,
    },
    EndOperation {
        via: usize,
    },
    /// Starts and ends a write at once: it is acknowledged within one step of a transition.
    Write {
        via: usize,
        item: usize,
        mask: u8,
    },
    Read {
        via: usize,
        item: usize,
        mask: u8,
    },
    Stop {
        peer: usize,
    },
    /// Starts one of the peers that are down.
    Start {
        which: usize,
    },
    LoseVolume {
        peer: usize,
    },
    /// Cuts a peer off from gossip, or ends that.
    Isolate {
        peer: usize,
        isolated: bool,
    },
}

pub(super) fn any_action() -> impl Strategy<Value = Action> {
    let (peer, items, mask) = (0..PEERS, 0..ITEMS, any::<u8>());
    let delivers = (0..PEERS, 0..PEERS).prop_map(|(peer, of)| Action::DeliverReport { peer, of });
    let begins = (peer.clone(), items.clone(), mask)
        .prop_map(|(via, item, mask)| Action::BeginWrite { via, item, mask });
    let writes = (peer.clone(), items.clone(), mask).prop_map(|(via, item, mask)| Action::Write {
        via,
        item,
        mask,
    });
    let reads =
        (peer.clone(), items, mask).prop_map(|(via, item, mask)| Action::Read { via, item, mask });
    let continues =
        (peer.clone(), any::<u8>()).prop_map(|(via, mask)| Action::Continue { via, mask });
    let late =
        (peer.clone(), any::<u8>()).prop_map(|(via, mask)| Action::DeliverLate { via, mask });
    let isolates = (peer.clone(), prop::bool::weighted(0.3))
        .prop_map(|(peer, isolated)| Action::Isolate { peer, isolated });
    let configures =
        (peer.clone(), 0..4_usize).prop_map(|(peer, layout)| Action::Configure { peer, layout });
    prop_oneof![
        1 => configures,
        2 => (0..4_usize).prop_map(|layout| Action::ConfigureAll { layout }),
        10 => delivers,
        160 => peer.clone().prop_map(|peer| Action::Step { peer }),
        120 => peer.clone().prop_map(|peer| Action::EndSweep { peer }),
        40 => begins,
        40 => continues,
        20 => late,
        20 => peer.clone().prop_map(|via| Action::EndOperation { via }),
        4 => isolates,
        40 => writes,
        40 => reads,
        2 => peer.clone().prop_map(|peer| Action::Stop { peer }),
        8 => (0..PEERS).prop_map(|which| Action::Start { which }),
        1 => peer.prop_map(|peer| Action::LoseVolume { peer }),
    ]
}

impl Simulation {
    pub(super) fn apply_action(&mut self, action: &Action) {
        match *action {
            Action::Configure { peer, .. } if !self.peers[peer].up => {}
            Action::Configure { peer, layout: number } => {
                self.configured = number;
                self.peers[peer].state.set_configured(layout(number));
            }
            Action::ConfigureAll { layout: number } => {
                self.configured = number;
                for peer in self.peers.iter_mut().filter(|peer| peer.up) {
                    peer.state.set_configured(layout(number));
                }
            }
            Action::Start { which } => {
                let down: Vec<usize> = (0..PEERS).filter(|peer| !self.peers[*peer].up).collect();
                if let Some(peer) = down.get(which % down.len().max(1)) {
                    self.clock += 1;
                    self.start(*peer, self.clock);
                }
            }
            Action::Stop { peer } => self.peers[peer].up = false,
            Action::LoseVolume { peer }
                if !self.has_lost_volume && self.peers[peer].state.counts_for_quorum() =>
            {
                self.has_lost_volume = true;
                self.peers[peer].up = false;
                self.peers[peer].disk.clear();
                self.peers[peer].saved = None;
                self.peers[peer].volume += 1;
            }
            Action::LoseVolume { .. } => {}
            Action::Isolate { peer, isolated } => self.peers[peer].isolated = isolated,
            _ => self.apply_to_running_peer(action),
        }
    }

    /// Events that only a running peer can have.
    fn apply_to_running_peer(&mut self, action: &Action) {
        let (Action::DeliverReport { peer, .. }
        | Action::Step { peer }
        | Action::EndSweep { peer }
        | Action::BeginWrite { via: peer, .. }
        | Action::Continue { via: peer, .. }
        | Action::DeliverLate { via: peer, .. }
        | Action::EndOperation { via: peer }
        | Action::Write { via: peer, .. }
        | Action::Read { via: peer, .. }) = *action
        else {
            return;
        };
        if !self.peers[peer].up {
            return;
        }
        match *action {
            Action::DeliverReport { of, .. } => self.deliver_report(peer, of),
            Action::Step { .. } => self.step(peer),
            Action::EndSweep { .. } => self.end_sweep(peer),
            Action::BeginWrite { item, mask, .. } => self.begin_write(peer, item, mask),
            Action::Continue { mask, .. } => self.continue_operation(peer, mask),
            Action::DeliverLate { mask, .. } => self.deliver_late(peer, mask),
            Action::EndOperation { .. } => self.end_operation(peer),
            Action::Write { item, mask, .. } => {
                self.begin_write(peer, item, mask);
                self.end_operation(peer);
            }
            Action::Read { item, mask, .. } => self.read(peer, item, mask),
            _ => {}
        }
    }
}
