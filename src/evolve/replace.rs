//! Nodes come before others go: while a new node is not available, callers keep their old
//! configuration; while a caller has not moved, the old nodes stay.

use super::{Evolution, Step, Wait};
use crate::{
    observe::{Availability, Running, RunningNode, available},
    plan::{Node, Topology},
};
use k8s_openapi::jiff::Timestamp;
use maquette_contract::Role;

pub(super) fn step(wanted: &Topology, running: &Running, now: Timestamp) -> Evolution {
    let leaving: Vec<Node> = leaving(wanted, running).cloned().collect();
    let served = Evolution {
        apply: wanted.clone(),
        step: None,
        waits: vec![],
        cannot: vec![],
        serves_wanted: true,
    };
    if leaving.is_empty() {
        return served;
    }
    let mut evolution = match missing(wanted, running) {
        waits if waits.is_empty() => {
            let waits = unmoved(wanted, running, now);
            let step = if waits.is_empty() { Step::Retire } else { Step::Move };
            Evolution { waits, step: Some(step), ..served }
        }
        waits => Evolution { waits, ..raise(wanted, running) },
    };
    if !evolution.waits.is_empty() {
        evolution.apply.nodes.extend(leaving.into_iter().map(|node| (node.name.clone(), node)));
    }
    evolution
}

/// Nodes that run and are not wanted any more. Nobody misses end users who leave.
fn leaving<'a>(wanted: &'a Topology, running: &'a Running) -> impl Iterator<Item = &'a Node> {
    let planned = running.nodes().filter_map(|(_, found)| found.planned.as_ref());
    planned.filter(|node| node.role() != Role::Load && wanted.node(&node.name).is_none())
}

/// Wanted nodes whose pods are not all there.
fn missing(wanted: &Topology, running: &Running) -> Vec<Wait> {
    let lacks = |node: &Node| {
        let lacks = lack(node, running.node(&node.name))?;
        Some(Wait::Available { node: node.name.clone(), lacks })
    };
    wanted.nodes().filter_map(lacks).collect()
}

fn lack(node: &Node, found: Option<&RunningNode>) -> Option<String> {
    let Some(workload) = found.and_then(|found| found.workload.as_ref()) else {
        return Some("not made yet".to_owned());
    };
    let ready = workload.updated.min(workload.available);
    let there = workload.seen && ready >= node.replicas;
    (!there).then(|| format!("{ready} of {} pods are ready", node.replicas))
}

/// New nodes beside those that serve, which keep their tasks.
fn raise(wanted: &Topology, running: &Running) -> Evolution {
    let mut apply = wanted.clone();
    for node in apply.nodes.values_mut() {
        let old = running.node(&node.name).and_then(|found| found.planned.as_ref());
        if let Some(old) = old {
            node.task = old.task.clone();
        }
    }
    let entry = running.entry().filter(|entry| running.node(entry).is_some());
    if let Some(entry) = entry {
        apply.entry = entry.clone();
    }
    let serves_wanted = apply.entry == wanted.entry && apply.nodes == wanted.nodes;
    Evolution { apply, step: Some(Step::Raise), waits: vec![], cannot: vec![], serves_wanted }
}

/// Wanted nodes that do not yet work under their new configuration, or have requests under an
/// older one.
fn unmoved(wanted: &Topology, running: &Running, now: Timestamp) -> Vec<Wait> {
    let entry = running.entry() == Some(wanted.entry());
    let moved = |node: &Node| {
        let Some(found) = running.node(&node.name) else { return false };
        let told = found.planned.as_ref().is_some_and(|planned| planned.task == node.task);
        let older = found
            .pods
            .iter()
            .any(|pod| pod.report.fresh(now).is_none_or(|report| report.older_requests > 0));
        told && !older && available(node, Some(found), false, now) == Availability::Available
    };
    let behind = wanted.nodes().filter(|node| !moved(node)).map(|node| node.name.clone());
    let behind = behind.chain((!entry).then(|| wanted.entry().clone()));
    let mut waits: Vec<_> = behind.map(|node| Wait::Moved { node }).collect();
    waits.dedup();
    waits
}
