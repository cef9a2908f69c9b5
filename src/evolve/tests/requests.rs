//! Requests of clients in the model. Each is routed from pod to pod by the configurations that
//! these have loaded when it arrives. It reads or writes one item in two steps, so that any event
//! can happen between them.

use super::pods::PodId;
use crate::{
    evolve::routing::{self, Backend, CollectionSelector},
    plan::{Behavior, Component},
};
use maquette_contract::{Collection, ComponentName, Hop, Revision};

/// A write of an item: its version and the request that made it.
pub(super) type Written = (u64, usize);

/// A request in flight.
pub(super) struct Request {
    pub(super) id: usize,
    pub(super) collection: Collection,
    pub(super) is_write: bool,
    /// The newest write that was acknowledged before it started.
    pub(super) before: Option<Written>,
    /// The pods that it has reached, each with the configuration that it had loaded on arrival.
    pub(super) path: Vec<(PodId, Component, Revision)>,
    pub(super) stage: RequestStage,
}

pub(super) enum RequestStage {
    /// On its way to the owner.
    Routing,
    /// The owner has written or read this in the source of truth; its own backend comes next.
    HalfDone(Option<Written>),
}

/// Where a component sends a request for `collection`.
pub(super) enum NextHop {
    Own,
    Call(ComponentName),
    NoOwner,
}

pub(super) fn next_hop(component: &Component, collection: &Collection) -> NextHop {
    match &component.behavior {
        Behavior::Service(service) => match service.routes.next_hop(collection) {
            Some(Hop::Own) => NextHop::Own,
            Some(Hop::Call(to)) => NextHop::Call(to.clone()),
            None => NextHop::NoOwner,
        },
        Behavior::Peer(peer) => peer.successor.clone().map_or(NextHop::Own, NextHop::Call),
        Behavior::Store(_) | Behavior::Load(_) => NextHop::NoOwner,
    }
}

/// The backends that an owner uses for a collection: the source of truth, and its own.
pub(super) fn backends_of(owner: &Component, collection: &Collection) -> (Backend, Backend) {
    let selector = CollectionSelector::Named(collection.clone());
    let authoritative =
        routing::authoritative_backend(owner, &selector).expect("an owner has a backend");
    (authoritative, routing::own_backend(owner).expect("an owner has a backend"))
}
