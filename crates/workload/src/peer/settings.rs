//! What a peer makes of its configuration.

use super::members::Members;
use crate::{
    migration::Origins,
    runtime::{Edge, Settings, Upstream},
};
use maquette_contract::{CollectionSet, MigrationObservation, Role, RoleConfig, Successor, RequestWork};
use std::{collections::BTreeSet, sync::Arc};

/// Peers own every collection.
const OWNED: CollectionSet = CollectionSet::AllBut(BTreeSet::new());

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
    pub(super) origins: Origins,
}

impl Settings for PeerSettings {
    const ROLE: Role = Role::Peer;

    fn check(role: &RoleConfig) -> Result<(), String> {
        let RoleConfig::Peer(config) = role else { return Ok(()) };
        Origins::check(&config.migration_sources, &OWNED)
    }

    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Peer(config) = role else { return None };
        let members = Members::new(&config);
        let successor = config.successor.map(|successor| connect(successor, before));
        let known = before.map(|before| &before.origins);
        let origins = Origins::build(config.migration_sources, &OWNED, known);
        Some(Self { work: config.work, members, successor, origins })
    }

    /// The edge to the other peers is reported by the peer itself: it leads to many at once.
    fn edges(&self) -> Vec<Arc<Edge>> {
        let successor = self.successor.iter().map(|successor| successor.edge());
        successor.chain(self.origins.edges()).cloned().collect()
    }

    fn origins(&self) -> Vec<MigrationObservation> {
        self.origins.observe()
    }
}

fn connect(
    Successor { component, address }: Successor,
    before: Option<&PeerSettings>,
) -> Arc<Upstream> {
    let known = before.and_then(|before| before.successor.as_ref());
    let same = known.filter(|upstream| upstream.edge().leads_to(&component, &address));
    same.cloned().unwrap_or_else(|| Upstream::new(component, address))
}
