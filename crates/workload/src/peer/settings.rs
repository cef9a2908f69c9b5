//! What a peer makes of its configuration.

use super::members::Members;
use crate::runtime::{Edge, Settings, Upstream};
use maquette_contract::{Role, RoleConfig, Successor, Work};
use std::sync::Arc;

/// A peer's settings.
#[derive(Debug)]
pub(super) struct PeerSettings {
    /// The work of a request.
    pub(super) work: Work,
    /// The members; none if the configuration names none, which changes nothing then.
    pub(super) members: Option<Members>,
    /// Who answers users' requests instead of the peers, if anybody does.
    pub(super) successor: Option<Arc<Upstream>>,
}

impl Settings for PeerSettings {
    const ROLE: Role = Role::Peer;

    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Peer(config) = role else { return None };
        let members = Members::new(&config);
        let successor = config.successor.map(|successor| connect(successor, before));
        Some(Self { members, successor, work: config.work })
    }

    /// The edge to the other peers is reported by the peer itself: it leads to many at once.
    fn edges(&self) -> Vec<Arc<Edge>> {
        self.successor.iter().map(|successor| Arc::clone(successor.edge())).collect()
    }
}

fn connect(Successor { node, address }: Successor, before: Option<&PeerSettings>) -> Arc<Upstream> {
    let known = before.and_then(|before| before.successor.as_ref());
    let same = known.filter(|upstream| upstream.edge().leads_to(&node, &address));
    same.cloned().unwrap_or_else(|| Upstream::new(node, address))
}
