//! The difference that each stage makes.

use crate::{
    evolve::{Stage, Step},
    graph::{
        Change, ComponentChange, Difference, EdgeChange, Model, compare_models, describe_component,
    },
    plan::EdgeKind,
};
use serde::Serialize;

/// The difference that a stage makes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StagePreview {
    /// The step of the stage; none where everything is applied at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// The new entry component, if it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Components that are added, changed or removed.
    pub components: Vec<ComponentPreview>,
    /// Edges that are added, changed or removed.
    pub edges: Vec<EdgePreview>,
    /// What must happen before the next stage, one line each.
    pub waits_for: Vec<String>,
}

/// The difference that a stage makes to a component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentPreview {
    /// The name of the component.
    pub name: String,
    /// The role: service, store, peers or load.
    pub role: &'static str,
    /// Whether it is added, changed or removed.
    pub change: Change,
    /// A description of a component that is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The changed settings of a component that remains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// The difference that a stage makes to an edge.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgePreview {
    /// The component at which it starts.
    pub from: String,
    /// The component at which it ends.
    pub to: String,
    /// The relation, as a verb: `from` calls `to`.
    pub verb: &'static str,
    /// Whether it is added, changed or removed.
    pub change: Change,
    /// The label before: how often a call is made, or which collections are migrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The label after, of the same kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The difference that each of `stages` makes, the first one to `running`.
pub(super) fn preview_stages(running: &Model, stages: &[Stage]) -> Vec<StagePreview> {
    let models = stages.iter().map(|stage| Model::from_topology(&stage.apply));
    let before = [running.clone()].into_iter().chain(models.clone());
    let pairs = stages.iter().zip(before.zip(models));
    let mut step = None;
    let previews = pairs.map(|(stage, (before, after))| {
        // The last stage, which applies the wanted topology, belongs to the step before it.
        step = stage.step.or(step);
        StagePreview { step, ..preview_stage(stage, &before, &after) }
    });
    previews.collect()
}

fn preview_stage(stage: &Stage, before: &Model, after: &Model) -> StagePreview {
    let comparison = compare_models(before, after);
    let (old_entry, new_entry) = &comparison.entry;
    StagePreview {
        step: None,
        entry: new_entry.as_ref().filter(|_| old_entry != new_entry).map(ToString::to_string),
        components: comparison.components.iter().filter_map(preview_component).collect(),
        edges: comparison.edges.iter().filter_map(preview_edge).collect(),
        waits_for: stage.waits.iter().map(ToString::to_string).collect(),
    }
}

fn preview_component(change: &ComponentChange) -> Option<ComponentPreview> {
    let component = change.component()?;
    let preview = ComponentPreview {
        name: component.name.to_string(),
        role: component.role().as_str(),
        change: change.change,
        what: (change.change == Change::Comes).then(|| describe_component(component)),
        differences: change.differences.clone(),
    };
    (change.change != Change::Stays).then_some(preview)
}

fn preview_edge(change: &EdgeChange) -> Option<EdgePreview> {
    let preview = EdgePreview {
        from: change.edge.from.to_string(),
        to: change.edge.to.to_string(),
        verb: edge_verb(change.edge.kind),
        change: change.change,
        before: change.labels.0.clone(),
        after: change.labels.1.clone(),
    };
    (change.change != Change::Stays).then_some(preview)
}

fn edge_verb(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Drives => "drives",
        EdgeKind::Calls => "calls",
        EdgeKind::Queries => "queries",
        EdgeKind::Peers => "replicates with",
        EdgeKind::Migrates => "migrates from",
    }
}
