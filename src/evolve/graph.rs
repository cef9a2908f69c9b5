//! Nodes and their routes, wanted or running, and the way that requests take through them.

use crate::{
    observe::Running,
    plan::{Node, Task, Topology},
};
use maquette_contract::{Hop, Kind, KindSet, NodeName, Routes};
use std::collections::{BTreeMap, BTreeSet};

/// Items that share their way: those of a kind that has a name somewhere, or all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Share {
    Kind(Kind),
    Rest,
}

impl Share {
    /// The next step for these items.
    pub(super) fn hop<'a>(&self, routes: &'a Routes) -> Option<&'a Hop> {
        match self {
            Self::Kind(kind) => routes.hop(kind),
            Self::Rest => routes.rest.as_ref(),
        }
    }

    /// Makes `hop` the next step for these items.
    pub(super) fn lead(self, routes: &mut Routes, hop: Hop) {
        match self {
            Self::Kind(kind) => _ = routes.kinds.insert(kind, Some(hop)),
            Self::Rest => routes.rest = Some(hop),
        }
    }

    /// Whether these items are among those of `kinds`.
    pub(super) fn is_in(&self, kinds: &KindSet) -> bool {
        match self {
            Self::Kind(kind) => kinds.contains(kind),
            Self::Rest => matches!(kinds, KindSet::AllBut(_)),
        }
    }
}

/// Where requests end.
pub(super) enum End<'a> {
    /// At the node that owns what they are for.
    Owner(&'a Node),
    /// At one that knows nobody who does.
    Nobody,
    /// On their way to a node that is not there.
    Gone,
}

/// A graph of nodes that requests go through.
pub(super) struct Graph<'a> {
    entry: Option<&'a NodeName>,
    nodes: BTreeMap<&'a NodeName, &'a Node>,
}

impl<'a> Graph<'a> {
    pub(super) fn of_topology(topology: &'a Topology) -> Self {
        Self {
            entry: Some(topology.entry()),
            nodes: topology.nodes().map(|node| (&node.name, node)).collect(),
        }
    }

    pub(super) fn of_running(running: &'a Running) -> Self {
        let planned = running.nodes().filter_map(|(_, found)| found.planned.as_ref());
        Self { entry: running.entry(), nodes: planned.map(|node| (&node.name, node)).collect() }
    }

    pub(super) fn node(&self, name: &NodeName) -> Option<&'a Node> {
        self.nodes.get(name).copied()
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &'a Node> {
        self.nodes.values().copied()
    }

    /// The node that requests for these items, sent to the entry, end at: it asks its own home.
    pub(super) fn owner(&self, share: &Share) -> Option<&'a Node> {
        match self.end(share) {
            End::Owner(owner) => Some(owner),
            End::Nobody | End::Gone => None,
        }
    }

    /// Where requests for these items, sent to the entry, end.
    pub(super) fn end(&self, share: &Share) -> End<'a> {
        let Some(mut node) = self.entry.and_then(|entry| self.node(entry)) else {
            return End::Gone;
        };
        // No way is longer than there are nodes, unless it goes round for ever.
        for _ in 0..=self.nodes.len() {
            let next = match &node.task {
                Task::Service(task) => match share.hop(&task.routes) {
                    Some(Hop::Own) => return End::Owner(node),
                    Some(Hop::Call(next)) => next,
                    None => return End::Nobody,
                },
                Task::Peer(task) => match &task.successor {
                    None => return End::Owner(node),
                    Some(next) => next,
                },
                Task::Store(_) | Task::Load(_) => return End::Nobody,
            };
            let Some(next) = self.node(next) else { return End::Gone };
            node = next;
        }
        End::Nobody
    }

    /// Every node that a request can come to, from the entry and from end users.
    pub(super) fn used(&self) -> BTreeSet<&'a NodeName> {
        let drives = self.nodes.values().filter_map(|node| match &node.task {
            Task::Load(task) => Some(&task.drives),
            _ => None,
        });
        let mut next: Vec<NodeName> = drives.flatten().chain(self.entry).cloned().collect();
        let mut used = BTreeSet::new();
        while let Some(name) = next.pop() {
            let Some((name, node)) = self.nodes.get_key_value(&name) else { continue };
            if used.insert(*name) {
                next.extend(node.edges().into_iter().map(|edge| edge.to));
            }
        }
        used
    }

    /// The kinds that are named anywhere in it.
    pub(super) fn kinds(&self) -> BTreeSet<Kind> {
        let mut kinds = BTreeSet::new();
        for node in self.nodes.values() {
            let origins = match &node.task {
                Task::Service(task) => {
                    kinds.extend(task.routes.kinds.keys().cloned());
                    &task.origins
                }
                Task::Peer(task) => &task.origins,
                Task::Store(_) | Task::Load(_) => continue,
            };
            for origin in origins {
                let (KindSet::Only(named) | KindSet::AllBut(named)) = &origin.kinds;
                kinds.extend(named.iter().cloned());
            }
        }
        kinds
    }
}
