//! The wiring of a node: whom it asks for what. Only a change of it has an order to keep; all other
//! settings can change at any time.

use crate::plan::{Node, PlannedOrigin, Task};
use maquette_contract::{KindSet, NodeName, Routes};
use std::collections::BTreeSet;

/// What counts of a node's task.
#[derive(Debug, PartialEq)]
enum Wiring<'a> {
    Service {
        calls: BTreeSet<&'a NodeName>,
        store: Option<&'a NodeName>,
        routes: &'a Routes,
        origins: Vec<(&'a NodeName, &'a KindSet)>,
    },
    Store,
    Peer {
        origins: Vec<(&'a NodeName, &'a KindSet)>,
        successor: Option<&'a NodeName>,
    },
    Load {
        drives: &'a [NodeName],
    },
}

fn wiring(node: &Node) -> Wiring<'_> {
    match &node.task {
        Task::Service(task) => Wiring::Service {
            calls: task.calls.iter().map(|call| &call.to).collect(),
            store: task.store.as_ref(),
            routes: &task.routes,
            origins: origins(&task.origins),
        },
        Task::Store(_) => Wiring::Store,
        Task::Peer(task) => {
            Wiring::Peer { origins: origins(&task.origins), successor: task.successor.as_ref() }
        }
        Task::Load(task) => Wiring::Load { drives: &task.drives },
    }
}

/// Whether a copy is the last one says nothing about who is asked.
fn origins(origins: &[PlannedOrigin]) -> Vec<(&NodeName, &KindSet)> {
    origins.iter().map(|origin| (&origin.node, &origin.kinds)).collect()
}

/// Whether both ask the same nodes for the same.
pub(super) fn same(one: &Node, other: &Node) -> bool {
    wiring(one) == wiring(other)
}
