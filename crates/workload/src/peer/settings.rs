//! What a peer makes of its configuration.

use super::members::Members;
use crate::{
    migration::Sources,
    runtime::{Edge, RoleSettings, Upstream},
};
use maquette_contract::{
    CollectionSet, MigrationObservation, RequestWork, Role, RoleConfig, Successor,
};
use std::{collections::BTreeSet, sync::Arc};

/// Peers own every collection.
const EVERY_COLLECTION: CollectionSet = CollectionSet::AllBut(BTreeSet::new());

/// A peer's settings.
#[derive(Debug)]
pub(super) struct PeerSettings {
    /// The work of a request.
    pub(super) work: RequestWork,
    /// The members; none if the configuration names none, which changes nothing then.
    pub(super) members: Option<Members>,
    /// Who answers users' requests instead of the peers, if anybody does.
    pub(super) successor: Option<Arc<Upstream>>,
    /// The old homes of items.
    pub(super) migration_sources: Sources,
}

impl RoleSettings for PeerSettings {
    const ROLE: Role = Role::Peer;

    fn check(role: &RoleConfig) -> Result<(), String> {
        let RoleConfig::Peer(config) = role else { return Ok(()) };
        Sources::validate(&config.migration_sources, &EVERY_COLLECTION)
    }

    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Peer(config) = role else { return None };
        let members = Members::new(&config);
        let successor = config.successor.map(|successor| connect_successor(successor, before));
        let known = before.map(|before| &before.migration_sources);
        let origins = Sources::build(config.migration_sources, &EVERY_COLLECTION, known);
        Some(Self { work: config.work, members, successor, migration_sources: origins })
    }

    /// The edge to the other peers is reported by the peer itself: it leads to many at once.
    fn edges(&self) -> Vec<Arc<Edge>> {
        let successor = self.successor.iter().map(|successor| successor.edge());
        successor.chain(self.migration_sources.edges()).cloned().collect()
    }

    fn migration_sources(&self) -> Vec<MigrationObservation> {
        self.migration_sources.observations()
    }
}

fn connect_successor(
    Successor { component, address }: Successor,
    before: Option<&PeerSettings>,
) -> Arc<Upstream> {
    let known = before.and_then(|before| before.successor.as_ref());
    let same = known.filter(|upstream| upstream.edge().leads_to(&component, &address));
    same.cloned().unwrap_or_else(|| Upstream::new(component, address))
}
