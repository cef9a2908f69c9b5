//! Compares two models: which components and edges come, go, change and stay.

use super::{
    difference::{Difference, component_differences},
    labeled_edge::labeled_edges,
    model::Model,
};
use crate::plan::{Component, Edge};
use maquette_contract::ComponentName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a change does to a component or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It exists before and after, unchanged.
    Stays,
    /// It exists only after.
    Comes,
    /// It exists before and after, and differs.
    Changes,
    /// It exists only before.
    Goes,
}

/// What a change does to a whole model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Where users enter, before and after.
    pub entry: (Option<ComponentName>, Option<ComponentName>),
    /// Every component of either model, by name.
    pub components: Vec<ComponentChange>,
    /// Every edge of either model, in order.
    pub edges: Vec<EdgeChange>,
}

/// What a change does to a component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentChange {
    /// Whether it comes, goes, changes or stays.
    pub change: Change,
    /// The component as it is before; none if it comes.
    pub before: Option<Component>,
    /// The component as it is after; none if it goes.
    pub after: Option<Component>,
    /// Empty unless the component exists before and after. Edges are not among them.
    pub differences: Vec<Difference>,
}

impl ComponentChange {
    /// The component as it is after, or as it was if it goes.
    pub fn component(&self) -> Option<&Component> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What a change does to an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeChange {
    /// Whether it comes, goes, changes or stays.
    pub change: Change,
    /// Where it begins and ends, and its kind.
    pub edge: Edge,
    /// Its label before and after.
    pub labels: (Option<String>, Option<String>),
}

impl Comparison {
    /// Whether the two models are the same.
    pub fn is_empty(&self) -> bool {
        self.entry.0 == self.entry.1
            && self.components.iter().all(|component| component.change == Change::Stays)
            && self.edges.iter().all(|edge| edge.change == Change::Stays)
    }
}

/// What becomes of everything that is in `before` or `after`.
pub fn compare_models(before: &Model, after: &Model) -> Comparison {
    let names: BTreeSet<_> = before.components.keys().chain(after.components.keys()).collect();
    let (old_labels, new_labels) = (edge_labels(before), edge_labels(after));
    let edges: BTreeSet<_> = old_labels.keys().chain(new_labels.keys()).collect();
    Comparison {
        entry: (before.entry.clone(), after.entry.clone()),
        components: names
            .into_iter()
            .map(|name| compare_component(before.component(name), after.component(name)))
            .collect(),
        edges: edges
            .into_iter()
            .map(|edge| compare_edge(edge, old_labels.get(edge), new_labels.get(edge)))
            .collect(),
    }
}

fn compare_component(before: Option<&Component>, after: Option<&Component>) -> ComponentChange {
    let (change, differences) = match (before, after) {
        (Some(old), Some(new)) if old == new => (Change::Stays, vec![]),
        (Some(old), Some(new)) => (Change::Changes, component_differences(old, new)),
        (Some(_), None) => (Change::Goes, vec![]),
        (None, _) => (Change::Comes, vec![]),
    };
    ComponentChange { change, before: before.cloned(), after: after.cloned(), differences }
}

/// Every edge with its label, except for edges whose end is not in the model.
fn edge_labels(model: &Model) -> BTreeMap<Edge, Option<String>> {
    let edges = model.components().flat_map(labeled_edges);
    edges
        .filter(|labeled| model.component(&labeled.edge.to).is_some())
        .map(|labeled| (labeled.edge, labeled.label))
        .collect()
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
    let labels = (before.cloned().flatten(), after.cloned().flatten());
    EdgeChange { change, edge: edge.clone(), labels }
}
