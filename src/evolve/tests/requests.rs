//! Requests of users in the model: each goes from pod to pod by what these run as when it comes, and
//! reads or writes one item of a collection in two moves, so that everything can happen between.

use super::pods::PodId;
use crate::{
    evolve::{
        backend::{self, Backend},
        graph::CollectionSelector,
    },
    plan::{Behavior, Component},
};
use maquette_contract::{Collection, ComponentName, Hop, Revision};

/// Which write of an item: its number and the request that made it.
pub(super) type Written = (u64, usize);

/// A request under way.
pub(super) struct Request {
    pub(super) id: usize,
    pub(super) collection: Collection,
    pub(super) writes: bool,
    /// The newest write that was acknowledged before it began.
    pub(super) before: Option<Written>,
    /// The pods that it is in, each with what that ran as when it came.
    pub(super) path: Vec<(PodId, Component, Revision)>,
    pub(super) stage: RequestStage,
}

/// How far a request is.
pub(super) enum RequestStage {
    /// On its way to the owner.
    Routing,
    /// The owner has written or found this, in the complete home; its own comes next.
    HalfDone(Option<Written>),
}

/// Where a component sends a request for `collection`.
pub(super) enum NextHop {
    /// It owns the collection.
    Own,
    Call(ComponentName),
    /// It knows nobody who does.
    NoOwner,
}

pub(super) fn next_hop(component: &Component, collection: &Collection) -> NextHop {
    match &component.behavior {
        Behavior::Service(task) => match task.routes.next_hop(collection) {
            Some(Hop::Own) => NextHop::Own,
            Some(Hop::Call(to)) => NextHop::Call(to.clone()),
            None => NextHop::NoOwner,
        },
        Behavior::Peer(task) => task.successor.clone().map_or(NextHop::Own, NextHop::Call),
        Behavior::Store(_) | Behavior::Load(_) => NextHop::NoOwner,
    }
}

/// The homes that an owner asks for a collection: the complete one first, then its own.
pub(super) fn backends_of(owner: &Component, collection: &Collection) -> (Backend, Backend) {
    let share = CollectionSelector::Named(collection.clone());
    let complete = backend::authoritative_backend(owner, &share).expect("an owner has a home");
    (complete, backend::own_backend(owner).expect("an owner has a home"))
}
