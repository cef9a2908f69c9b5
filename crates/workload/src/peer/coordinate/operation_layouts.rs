//! The layouts that one operation is under: those in force at this peer, and those of replicas that
//! refused it because they are further.

use super::quorum::Quorum;
use crate::{
    peer::membership::{LayoutTransition, MemberState, PeerState, Phase, Refusal},
    runtime::lock,
};
use maquette_contract::ItemKey;
use std::sync::{Arc, Mutex};

/// The newest quorum, and what it follows from.
#[derive(Debug)]
struct CachedQuorum {
    state: Arc<MemberState>,
    adopted: usize,
    quorum: Arc<Quorum>,
}

/// The layouts of one operation.
#[derive(Debug, Default)]
pub(super) struct OperationLayouts {
    adopted: Mutex<Vec<LayoutTransition>>,
    cached: Mutex<Option<CachedQuorum>>,
}

impl OperationLayouts {
    /// The owners of an item under the layouts of the operation; `None` while this peer serves no
    /// requests.
    pub(super) fn quorum(&self, peer: &PeerState, key: &ItemKey) -> Option<Arc<Quorum>> {
        let state = peer.member();
        let Phase::Active(transition) = &state.phase else { return None };
        let adopted = lock(&self.adopted);
        let mut cached = lock(&self.cached);
        if let Some(known) = &*cached
            && Arc::ptr_eq(&known.state, &state)
            && known.adopted == adopted.len()
        {
            return Some(Arc::clone(&known.quorum));
        }
        let mut quorum = Quorum::new(transition, key);
        adopted.iter().for_each(|transition| quorum.extend(transition, key));
        let quorum = Arc::new(quorum);
        *cached = Some(CachedQuorum {
            state: Arc::clone(&state),
            adopted: adopted.len(),
            quorum: Arc::clone(&quorum),
        });
        Some(quorum)
    }

    /// Adopts the layouts of a replica that refused. Returns whether they are new.
    pub(super) fn adopt(&self, refusal: &Refusal) -> bool {
        let Refusal::OtherLayouts(transition) = refusal else { return false };
        let mut adopted = lock(&self.adopted);
        let is_new = !adopted.contains(transition);
        if is_new {
            adopted.push(transition.clone());
        }
        is_new
    }
}
