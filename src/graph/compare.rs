//! Two models side by side: what comes, goes, changes and stays.

use super::{
    difference::{Difference, component_differences},
    labeled_edge::{LabeledEdge, labeled_edges},
    model::Model,
};
use crate::plan::{Component, Edge};
use maquette_contract::ComponentName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a component or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It is there before and after, the same.
    Stays,
    /// It is there only after.
    Comes,
    /// It is there before and after, not the same.
    Changes,
    /// It is there only before.
    Goes,
}

/// What becomes of everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Where users enter, before and after.
    pub entry: (Option<ComponentName>, Option<ComponentName>),
    /// Every component of either, by name.
    pub components: Vec<ComponentChange>,
    /// Every edge of either, in order.
    pub edges: Vec<EdgeChange>,
}

/// What becomes of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentChange {
    /// What becomes of it.
    pub change: Change,
    /// The component as it is before.
    pub before: Option<Component>,
    /// The component as it is after.
    pub after: Option<Component>,
    /// What is not the same of one that is there before and after.
    pub differences: Vec<Difference>,
}

impl ComponentChange {
    /// The component as it is after, or as it was if it goes.
    pub fn component(&self) -> Option<&Component> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What becomes of an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeChange {
    /// What becomes of it.
    pub change: Change,
    /// The edge.
    pub edge: Edge,
    /// What there is to say of it before and after.
    pub labels: (Option<String>, Option<String>),
}

impl Comparison {
    /// Whether the two are the same.
    pub fn is_empty(&self) -> bool {
        self.entry.0 == self.entry.1
            && self.components.iter().all(|component| component.change == Change::Stays)
            && self.edges.iter().all(|wire| wire.change == Change::Stays)
    }
}

/// What becomes of everything that is in `before` or `after`.
pub fn compare_models(before: &Model, after: &Model) -> Comparison {
    let names: BTreeSet<_> = before.components.keys().chain(after.components.keys()).collect();
    let component =
        |name: &&ComponentName| compare_component(before.component(name), after.component(name));
    let (old, new) = (edge_labels(before), edge_labels(after));
    let edges: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let wire = |edge: &&Edge| compare_edge(edge, old.get(edge), new.get(edge));
    Comparison {
        entry: (before.entry.clone(), after.entry.clone()),
        components: names.iter().map(component).collect(),
        edges: edges.iter().map(wire).collect(),
    }
}

fn compare_component(before: Option<&Component>, after: Option<&Component>) -> ComponentChange {
    let found = before.zip(after).map(|(before, after)| component_differences(before, after));
    let change = match (before.zip(after), before) {
        (Some((before, after)), _) if before == after => Change::Stays,
        (Some(_), _) => Change::Changes,
        (None, Some(_)) => Change::Goes,
        (None, None) => Change::Comes,
    };
    ComponentChange {
        change,
        before: before.cloned(),
        after: after.cloned(),
        differences: found.unwrap_or_default(),
    }
}

/// Every edge with its label. One that leads to a component that is not there is left out.
fn edge_labels(model: &Model) -> BTreeMap<Edge, Option<String>> {
    let wires = model.components().flat_map(labeled_edges);
    let there = wires.filter(|wire| model.component(&wire.edge.to).is_some());
    there.map(|LabeledEdge { edge, label }| (edge, label)).collect()
}

fn compare_edge(
    edge: &Edge,
    before: Option<&Option<String>>,
    after: Option<&Option<String>>,
) -> EdgeChange {
    let change = match (before, after) {
        (Some(before), Some(after)) if before == after => Change::Stays,
        (Some(_), Some(_)) => Change::Changes,
        (Some(_), None) => Change::Goes,
        (None, _) => Change::Comes,
    };
    let label = |label: Option<&Option<String>>| label.cloned().flatten();
    EdgeChange { change, edge: edge.clone(), labels: (label(before), label(after)) }
}
