//! Requests of users in the model: each goes from pod to pod by what these run as when it comes, and
//! reads or writes one item of a kind in two moves, so that everything can happen between.

use super::pods::PodId;
use crate::{
    evolve::{
        graph::Share,
        home::{self, Home},
    },
    plan::{Node, Task},
};
use maquette_contract::{Hop, Kind, NodeName, Revision};

/// Which write of an item: its number and the request that made it.
pub(super) type Written = (u64, usize);

/// A request under way.
pub(super) struct Request {
    pub(super) id: usize,
    pub(super) kind: Kind,
    pub(super) writes: bool,
    /// The newest write that was acknowledged before it began.
    pub(super) before: Option<Written>,
    /// The pods that it is in, each with what that ran as when it came.
    pub(super) path: Vec<(PodId, Node, Revision)>,
    pub(super) stage: Stage,
}

/// How far a request is.
pub(super) enum Stage {
    /// On its way to the owner.
    Way,
    /// The owner has written or found this, in the complete home; its own comes next.
    Half(Option<Written>),
}

/// Where a node sends a request for `kind`.
pub(super) enum Next {
    /// It owns the kind.
    Here,
    To(NodeName),
    /// It knows nobody who does.
    Nowhere,
}

pub(super) fn next(node: &Node, kind: &Kind) -> Next {
    match &node.task {
        Task::Service(task) => match task.routes.hop(kind) {
            Some(Hop::Own) => Next::Here,
            Some(Hop::Call(to)) => Next::To(to.clone()),
            None => Next::Nowhere,
        },
        Task::Peer(task) => task.successor.clone().map_or(Next::Here, Next::To),
        Task::Store(_) | Task::Load(_) => Next::Nowhere,
    }
}

/// The homes that an owner asks for a kind: the complete one first, then its own.
pub(super) fn homes(owner: &Node, kind: &Kind) -> (Home, Home) {
    let share = Share::Kind(kind.clone());
    let complete = home::complete_home(owner, &share).expect("an owner has a home");
    (complete, home::own_home(owner).expect("an owner has a home"))
}
