//! Requests of users in the model: each goes from pod to pod by what these run as when it comes, and
//! reads or writes one item of a collection in two moves, so that everything can happen between.

use super::pods::PodId;
use crate::{
    evolve::{
        graph::Share,
        home::{self, Backend},
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
    pub(super) stage: Stage,
}

/// How far a request is.
pub(super) enum Stage {
    /// On its way to the owner.
    Way,
    /// The owner has written or found this, in the complete home; its own comes next.
    Half(Option<Written>),
}

/// Where a component sends a request for `collection`.
pub(super) enum Next {
    /// It owns the collection.
    Here,
    To(ComponentName),
    /// It knows nobody who does.
    Nowhere,
}

pub(super) fn next(component: &Component, collection: &Collection) -> Next {
    match &component.behavior {
        Behavior::Service(task) => match task.routes.next_hop(collection) {
            Some(Hop::Own) => Next::Here,
            Some(Hop::Call(to)) => Next::To(to.clone()),
            None => Next::Nowhere,
        },
        Behavior::Peer(task) => task.successor.clone().map_or(Next::Here, Next::To),
        Behavior::Store(_) | Behavior::Load(_) => Next::Nowhere,
    }
}

/// The homes that an owner asks for a collection: the complete one first, then its own.
pub(super) fn homes(owner: &Component, collection: &Collection) -> (Backend, Backend) {
    let share = Share::Collection(collection.clone());
    let complete = home::complete_home(owner, &share).expect("an owner has a home");
    (complete, home::own_home(owner).expect("an owner has a home"))
}
