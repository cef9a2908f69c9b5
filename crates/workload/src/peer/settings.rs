//! A peer's settings, built from its configuration.

use super::membership::Members;
use crate::{
    migration::Sources,
    runtime::{Edge, EdgeTarget, RoleSettings, Upstream},
};
use maquette_contract::{
    CollectionSet, ComponentIdentity, MigrationObservation, RequestWork, Role, RoleConfig,
    Successor,
};
use std::{collections::BTreeSet, sync::Arc};

/// The collections that peers own.
const EVERY_COLLECTION: CollectionSet = CollectionSet::AllBut(BTreeSet::new());

/// The settings of a peer under one configuration.
#[derive(Debug)]
pub(super) struct PeerSettings {
    /// The simulated work of each request.
    pub(super) work: RequestWork,
    /// `None` if the configuration lists no member: the previous members stay.
    pub(super) members: Option<Members>,
    /// The component that serves users' requests instead of the peers, if there is one.
    pub(super) successor: Option<Arc<Upstream>>,
    /// The backends that items are migrated from.
    pub(super) migration_sources: Sources,
}

impl RoleSettings for PeerSettings {
    const ROLE: Role = Role::Peer;

    fn check(role: &RoleConfig) -> Result<(), String> {
        let RoleConfig::Peer(config) = role else { return Ok(()) };
        Sources::validate(&config.migration_sources, &EVERY_COLLECTION)
    }

    fn build(role: RoleConfig, own: &ComponentIdentity, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Peer(config) = role else { return None };
        let members = Members::new(&config, own);
        let successor = config.successor.map(|Successor { component, address }| {
            connect_successor(EdgeTarget::new(own, component, address), before)
        });
        let known = before.map(|before| &before.migration_sources);
        let migration_sources =
            Sources::build(config.migration_sources, own, &EVERY_COLLECTION, known);
        Some(Self { work: config.work, members, successor, migration_sources })
    }

    // The edge to the other peers is not here: the peer handle reports it, because it leads to
    // many peers at once.
    fn edges(&self) -> Vec<Arc<Edge>> {
        let successor = self.successor.iter().map(|successor| successor.edge());
        successor.chain(self.migration_sources.edges()).cloned().collect()
    }

    fn migration_sources(&self) -> Vec<MigrationObservation> {
        self.migration_sources.observations()
    }
}

/// Keeps the connection of the settings before if it leads to the same target.
fn connect_successor(target: EdgeTarget, before: Option<&PeerSettings>) -> Arc<Upstream> {
    let known = before.and_then(|before| before.successor.as_ref());
    let same = known.filter(|upstream| *upstream.edge().target() == target);
    same.cloned().unwrap_or_else(|| Upstream::new(target))
}
