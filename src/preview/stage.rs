//! What happens in each stage: the difference that it makes.

use crate::{
    evolve::{Stage, Step},
    graph::{
        Change, ComponentChange, Difference, EdgeChange, Model, compare_models, describe_component,
    },
    plan::EdgeKind,
};
use serde::Serialize;

/// What happens in one go.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StagePreview {
    /// The step that it is a part of: Expand, Cutover, Finalize or Contract; none where all is done at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    /// Where users enter from now on, if that changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Components that come, change or go.
    pub components: Vec<ComponentPreview>,
    /// Edges that come, change or go.
    pub edges: Vec<EdgePreview>,
    /// What it waits for before the next.
    pub waits_for: Vec<String>,
}

/// What happens to a component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentPreview {
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: &'static str,
    /// Whether it comes, changes or goes.
    pub change: Change,
    /// What it is, of one that comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What is not as before, of one that changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// What happens to an edge.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgePreview {
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// What it is for, as a verb: `from` calls `to`.
    pub verb: &'static str,
    /// Whether it comes, changes or goes.
    pub change: Change,
    /// What there is to say of it before: how often a call is made, which kinds are taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The same, after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What happens in each of `stages`, beginning with what runs.
pub(super) fn preview_stages(runs: &Model, stages: &[Stage]) -> Vec<StagePreview> {
    let models = stages.iter().map(|stage| Model::from_topology(&stage.apply));
    let before = [runs.clone()].into_iter().chain(models.clone());
    let pairs = stages.iter().zip(before.zip(models));
    let mut step = None;
    let previews = pairs.map(|(stage, (before, after))| {
        // The last stage, which makes what is wanted, ends the step before it.
        step = stage.step.or(step);
        StagePreview { step: step.map(Step::as_str), ..preview_stage(stage, &before, &after) }
    });
    previews.collect()
}

fn preview_stage(stage: &Stage, before: &Model, after: &Model) -> StagePreview {
    let comparison = compare_models(before, after);
    let (was, is) = &comparison.entry;
    StagePreview {
        step: None,
        entry: is.as_ref().filter(|_| was != is).map(ToString::to_string),
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

fn preview_edge(wire: &EdgeChange) -> Option<EdgePreview> {
    let preview = EdgePreview {
        from: wire.edge.from.to_string(),
        to: wire.edge.to.to_string(),
        verb: edge_verb(wire.edge.kind),
        change: wire.change,
        before: wire.labels.0.clone(),
        after: wire.labels.1.clone(),
    };
    (wire.change != Change::Stays).then_some(preview)
}

fn edge_verb(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Drives => "drives",
        EdgeKind::Calls => "calls",
        EdgeKind::Queries => "queries",
        EdgeKind::Peers => "asks its fellows",
        EdgeKind::Migrates => "takes over from",
    }
}
