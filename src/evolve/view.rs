//! What a step looks at, and what every step begins with.

use super::{
    Evolution, Step, Wait, accept, forward, goal,
    graph::Graph,
    home::{self, Authorities},
    proof, wiring,
};
use crate::{
    observe::Running,
    plan::{Node, Task, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::{Kind, NodeName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// What a step looks at.
pub(super) struct View<'a> {
    pub(super) wanted: &'a Topology,
    /// What is wanted, with what the way there needs besides.
    pub(super) goal: Topology,
    pub(super) running: &'a Running,
    pub(super) graph: Graph<'a>,
    pub(super) now: Timestamp,
    /// Whether everybody was told where to go, entry and end users too; whoever is not wanted any
    /// more only forwards. What is missing then is the proof that they do.
    pub(super) moved: bool,
    authorities: Authorities,
    kinds: BTreeSet<Kind>,
}

impl<'a> View<'a> {
    pub(super) fn new(wanted: &'a Topology, running: &'a Running, now: Timestamp) -> Self {
        let graph = Graph::of_running(running);
        let kinds = &graph.kinds() | &Graph::of_topology(wanted).kinds();
        let exists = |home: &NodeName| graph.node(home).is_some() || wanted.node(home).is_some();
        let authorities = Authorities::of(&graph, &kinds).only(exists);
        let goal = goal::of(wanted, &graph, &authorities, &kinds);
        let moved = false;
        let mut view = Self { wanted, goal, running, graph, now, moved, authorities, kinds };
        view.moved = view.has_moved();
        if view.moved {
            view.go_on_with_last_passes();
        }
        view
    }

    fn has_moved(&self) -> bool {
        let forwards = |node| {
            forward::forwarder(node, self.wanted.entry()).is_none_or(|node| self.told(&node))
        };
        self.entered()
            && self.goal.nodes().all(|node| self.told(node))
            && self.leaving().all(forwards)
    }

    /// A last pass that has begun is not begun anew as long as nobody turns back.
    fn go_on_with_last_passes(&mut self) {
        for node in self.goal.nodes.values_mut() {
            let began = self.graph.node(&node.name).is_some_and(home::last_began);
            home::set_last(node, began);
        }
    }

    /// The node of this name as it runs.
    pub(super) fn old(&self, name: &NodeName) -> Option<&'a Node> {
        self.graph.node(name)
    }

    /// Whether what runs asks the same nodes for the same as `node`.
    pub(super) fn told(&self, node: &Node) -> bool {
        self.old(&node.name).is_some_and(|old| wiring::same(old, node))
    }

    /// What `node` runs as while it is to accept more items than now; none if it accepts them.
    pub(super) fn accepting(&self, node: &Node) -> Option<Node> {
        accept::accepting(self.old(&node.name)?, node, &self.authorities, &self.kinds)
    }

    /// What `node` lacks until it works as it was told.
    pub(super) fn lacks(&self, node: &Node) -> Option<String> {
        let exists = |name: &NodeName| self.exists(name);
        proof::lacks(node, self.running.node(&node.name), exists, self.now)
    }

    /// What `node` lacks until it can answer for what it owns. Whom else it asks is no matter: that
    /// may be left from a change that was given up.
    pub(super) fn lacks_as_owner(&self, node: &Node) -> Option<String> {
        let homes: BTreeSet<_> = home::homes(node).collect();
        let counts = |name: &NodeName| homes.contains(name) && self.exists(name);
        proof::lacks(node, self.running.node(&node.name), counts, self.now)
    }

    fn exists(&self, name: &NodeName) -> bool {
        self.graph.node(name).is_some() || self.goal.node(name).is_some()
    }

    /// Nodes of the goal but the end users.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Node> {
        self.goal.nodes().filter(|node| node.role() != Role::Load)
    }

    /// The end users of the goal.
    pub(super) fn load(&self) -> Option<&Node> {
        self.goal.nodes().find(|node| node.role() == Role::Load)
    }

    /// Nodes that run and are not wanted any more. Nobody misses end users who leave.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &'a Node> {
        let running = self.running.nodes().filter_map(|(_, found)| found.planned.as_ref());
        let wanted = self.wanted;
        running.filter(move |node| node.role() != Role::Load && wanted.node(&node.name).is_none())
    }

    /// Whether users' requests come in where they are to.
    pub(super) fn entered(&self) -> bool {
        self.running.entry() == Some(self.wanted.entry())
    }

    /// What runs, with the wanted settings of all nodes that are wired as in the goal, the new
    /// nodes, and whatever else is still there. End users wait until there is somebody to serve
    /// them.
    pub(super) fn base(&self) -> Topology {
        let mut apply = self.with_leaving(self.goal.clone());
        for node in apply.nodes.values_mut() {
            if let Some(old) = self.old(&node.name).filter(|old| !wiring::same(old, node)) {
                node.task = old.task.clone();
                home::set_last(node, false);
                // A peer that is no member of those it is told of would never be ready.
                if let Task::Peer(told) = &node.task {
                    node.replicas = told.members;
                }
            }
        }
        let entry = self.running.entry().filter(|entry| apply.node(entry).is_some());
        if let Some(entry) = entry {
            apply.entry = entry.clone();
        }
        if !self.entered()
            && let Some(load) = self.load()
            && self.old(&load.name).is_none()
        {
            apply.nodes.remove(&load.name);
        }
        apply
    }

    /// `topology` beside the nodes that are not wanted any more.
    pub(super) fn with_leaving(&self, mut topology: Topology) -> Topology {
        let leaving: BTreeMap<_, _> =
            self.leaving().map(|node| (node.name.clone(), node.clone())).collect();
        topology.nodes.extend(leaving);
        topology
    }

    /// The evolution that applies `apply`, and waits.
    pub(super) fn evolution(&self, step: Step, apply: Topology, waits: Vec<Wait>) -> Evolution {
        let moved = self.servers().all(|node| self.told(node));
        // Only the proof is missing that all have moved.
        let settles = step == Step::Move && self.moved;
        Evolution {
            apply,
            step: Some(if settles { Step::Settle } else { step }),
            waits,
            cannot: vec![],
            serves_wanted: moved && self.entered(),
        }
    }
}
