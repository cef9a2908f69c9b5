//! What a peer makes of its configuration.

use super::members::Members;
use crate::runtime::{Edge, Settings};
use maquette_contract::{Role, RoleConfig, Work};
use std::sync::Arc;

/// A peer's settings.
#[derive(Debug)]
pub(super) struct PeerSettings {
    /// The work of a request.
    pub(super) work: Work,
    /// The members; none if the configuration names none, which changes nothing then.
    pub(super) members: Option<Members>,
}

impl Settings for PeerSettings {
    const ROLE: Role = Role::Peer;

    fn build(role: RoleConfig, _before: Option<&Self>) -> Option<Self> {
        let RoleConfig::Peer(config) = role else { return None };
        Some(Self { members: Members::new(&config), work: config.work })
    }

    /// The one edge is reported by the peer itself: it leads to many at once.
    fn edges(&self) -> Vec<Arc<Edge>> {
        vec![]
    }
}
