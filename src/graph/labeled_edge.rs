//! Edges with what there is to say of each.

use super::caption::collections_text;
use crate::plan::{Behavior, Component, Edge, EdgeKind, PlannedCall, PlannedSource};

/// An edge and what there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabeledEdge {
    /// The edge.
    pub edge: Edge,
    /// How often a summary makes the call, if not always; the collections that are taken over.
    pub label: Option<String>,
}

/// The edges that begin at `component`.
pub(super) fn labeled_edges(component: &Component) -> Vec<LabeledEdge> {
    let labelled = |edge: Edge| LabeledEdge { label: edge_label(component, &edge), edge };
    component.edges().into_iter().map(labelled).collect()
}

fn edge_label(component: &Component, edge: &Edge) -> Option<String> {
    match (&component.behavior, edge.kind) {
        (Behavior::Service(task), EdgeKind::Calls) => {
            task.calls.iter().find(|call| call.to == edge.to).and_then(probability_label)
        }
        (Behavior::Service(task), EdgeKind::Migrates) => {
            migrated_collections(&task.migration_sources, edge)
        }
        (Behavior::Peer(task), EdgeKind::Migrates) => {
            migrated_collections(&task.migration_sources, edge)
        }
        _ => None,
    }
}

/// How often a call is made, if not always.
fn probability_label(call: &PlannedCall) -> Option<String> {
    match call.probability_percent.get() {
        100 => None,
        0 => Some("items only".to_owned()),
        percent => Some(format!("{percent}%")),
    }
}

fn migrated_collections(origins: &[PlannedSource], edge: &Edge) -> Option<String> {
    origins
        .iter()
        .find(|origin| origin.component == edge.to)
        .map(|origin| collections_text(&origin.collections))
}
