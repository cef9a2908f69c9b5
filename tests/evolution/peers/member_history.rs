//! Peers know whether they began with other members, also after a loss of their settings.

use crate::cluster::{now, observe_running, parse_spec, plan_spec};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, PersistentVolumeClaim, PersistentVolumeClaimStatus},
};
use maquette::{
    evolve::evolve,
    observe::Snapshot,
    render::{RenderSettings, render},
};
use maquette_contract::{ComponentConfig, PeerConfig, RoleConfig, keys::CONFIG_FILE};
use proptest::{collection::vec, prelude::*};
use std::sync::Arc;

/// What happens to the peers.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The operator reconciles; so many peers are specified.
    Reconcile(u32),
    LoseSettings,
    /// A backup of the settings is restored beside the StatefulSet, and the operator sees both.
    RestoreFirstSettings,
    LoseStatefulSet,
    /// The operator stops after it has created claims, and these are bound before it goes on.
    CreateClaims,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1..=5_u32).prop_map(Event::Reconcile),
        1 => Just(Event::LoseSettings),
        1 => Just(Event::RestoreFirstSettings),
        1 => Just(Event::LoseStatefulSet),
        1 => Just(Event::CreateClaims),
    ]
}

/// What exists of the peers. Their pods are not there, so that what a change waits for never comes.
#[derive(Default)]
struct World {
    settings: Option<ConfigMap>,
    first_settings: Option<ConfigMap>,
    set: Option<StatefulSet>,
    claim: Option<PersistentVolumeClaim>,
    /// The first list of members that was written.
    first_members: Option<usize>,
    have_changed: bool,
}

fn peer_config(settings: &ConfigMap) -> PeerConfig {
    let text = &settings.data.as_ref().unwrap()[CONFIG_FILE];
    match ComponentConfig::from_json(text).unwrap().role {
        RoleConfig::Peer(peer) => peer,
        other => panic!("{other:?}"),
    }
}

impl World {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            config_maps: self.settings.clone().map(Arc::new).into_iter().collect(),
            stateful_sets: self.set.clone().map(Arc::new).into_iter().collect(),
            claims: self.claim.clone().map(Arc::new).into_iter().collect(),
            ..Snapshot::default()
        }
    }

    fn reconcile(&mut self, replicas: u32) -> PeerConfig {
        let text = format!(
            "{{shape: PeerToPeer, load: {{requestsPerSecond: 0}}, peerToPeer: {{replicas: {replicas}}}}}"
        );
        let wanted = plan_spec(&parse_spec(&text));
        let apply = evolve(&wanted, &observe_running(&self.snapshot()), now()).apply;
        let mut objects = render(&apply, &RenderSettings::default()).into_objects();
        let settings = objects.config_maps.remove(0);
        let config = peer_config(&settings);
        let set = objects.stateful_sets.remove(0);
        let mut claim =
            set.spec.as_ref().unwrap().volume_claim_templates.as_ref().unwrap()[0].clone();
        claim.metadata.name = Some("data-shop-peers-0".to_owned());
        let phase = Some("Bound".to_owned());
        claim.status = Some(PersistentVolumeClaimStatus { phase, ..Default::default() });
        let first = *self.first_members.get_or_insert(config.members.len());
        self.have_changed |= config.members.len() != first;
        self.first_settings.get_or_insert_with(|| settings.clone());
        (self.settings, self.set, self.claim) = (Some(settings), Some(set), Some(claim));
        config
    }
}

proptest! {
    #[test]
    fn peers_that_had_other_members_know_it_whatever_is_lost(events in vec(event(), 1..30)) {
        let mut world = World::default();
        let mut is_intact = true;
        for event in events {
            match event {
                Event::Reconcile(replicas) => {
                    let config = world.reconcile(replicas);
                    prop_assert!(config.members_changed || !world.have_changed, "{config:?}");
                    if is_intact {
                        prop_assert_eq!(config.members_changed, world.have_changed);
                    }
                }
                Event::LoseSettings => (world.settings, is_intact) = (None, false),
                Event::RestoreFirstSettings if world.set.is_none() => {}
                Event::RestoreFirstSettings => {
                    let replicas = world.set.as_ref().unwrap().spec.as_ref().unwrap().replicas;
                    world.settings = world.first_settings.clone();
                    is_intact = false;
                    world.reconcile(u32::try_from(replicas.unwrap()).unwrap());
                }
                Event::LoseStatefulSet => (world.set, is_intact) = (None, false),
                Event::CreateClaims if world.first_members.is_none() => {
                    let mut other = World::default();
                    other.reconcile(3);
                    (world.claim, is_intact) = (other.claim, false);
                }
                Event::CreateClaims => {}
            }
        }
    }
}

#[test]
fn peers_that_are_made_again_beside_a_volume_do_not_begin_by_themselves() {
    let mut world = World::default();
    assert_members_changed(&mut world, 3, false);
    (world.settings, world.set) = (None, None);
    assert_members_changed(&mut world, 3, true);
    // A claim that goes with an earlier Architecture, or that has no volume, is no earlier member.
    let mut new = World { claim: world.claim.take(), ..World::default() };
    new.claim.as_mut().unwrap().status = None;
    assert_members_changed(&mut new, 3, false);
}

#[track_caller]
fn assert_members_changed(world: &mut World, replicas: u32, expected: bool) {
    assert_eq!(world.reconcile(replicas).members_changed, expected);
}
