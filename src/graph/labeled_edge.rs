//! Edges and the labels that pictures and plans show at them.

use super::collections::collections_text;
use crate::plan::{Behavior, Component, Edge, EdgeKind, PlannedCall, PlannedSource};

/// An edge and its label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabeledEdge {
    /// Where it begins and ends, and its kind.
    pub edge: Edge,
    /// Of a call: how often a summary makes it, if not always. Of a migration: the collections.
    pub label: Option<String>,
}

/// The edges that begin at `component`.
pub(super) fn labeled_edges(component: &Component) -> Vec<LabeledEdge> {
    let edges = component.edges().into_iter();
    edges.map(|edge| LabeledEdge { label: edge_label(component, &edge), edge }).collect()
}

fn edge_label(component: &Component, edge: &Edge) -> Option<String> {
    match (&component.behavior, edge.kind) {
        (Behavior::Service(service), EdgeKind::Calls) => {
            service.calls.iter().find(|call| call.to == edge.to).and_then(probability_label)
        }
        (Behavior::Service(service), EdgeKind::Migrates) => {
            migrated_collections(&service.migration_sources, edge)
        }
        (Behavior::Peer(peer), EdgeKind::Migrates) => {
            migrated_collections(&peer.migration_sources, edge)
        }
        _ => None,
    }
}

/// How often a summary makes a call, if not always.
fn probability_label(call: &PlannedCall) -> Option<String> {
    match call.probability_percent.get() {
        100 => None,
        0 => Some("items only".to_owned()),
        percent => Some(format!("{percent}%")),
    }
}

fn migrated_collections(sources: &[PlannedSource], edge: &Edge) -> Option<String> {
    let source = sources.iter().find(|source| source.component == edge.to)?;
    Some(collections_text(&source.collections))
}
