//! What is in a picture, however it is drawn: the text of every component and edge, and what becomes of
//! each.

use super::{
    caption,
    compare::{Change, ComponentChange, EdgeChange, compare_models},
    difference::Disruption,
    model::Model,
};
use crate::plan::{Behavior, Component, EdgeKind};
use maquette_contract::{ComponentName, Role};

/// A picture of a model, or of what becomes of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What it is a picture of.
    pub(super) title: String,
    /// More about that.
    pub(super) subtitle: String,
    /// Whether it shows a difference.
    pub(super) is_comparison: bool,
    /// The components, by name.
    pub(super) vertices: Vec<Vertex>,
    /// The edges.
    pub(super) arrows: Vec<Arrow>,
}

/// A component in a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vertex {
    pub(super) name: ComponentName,
    pub(super) role: Role,
    /// Whether users enter here; of a change, after it.
    pub(super) is_entry: bool,
    pub(super) change: Change,
    /// Pods, before and after.
    pub(super) pods: (u32, u32),
    /// What stands below the name.
    pub(super) lines: Vec<String>,
}

/// An edge in a picture. The ends are indices of the components.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: EdgeKind,
    pub(super) change: Change,
    pub(super) label: Option<String>,
}

impl Picture {
    /// A picture of `model`.
    pub fn of_model(model: &Model, title: &str, subtitle: &str) -> Self {
        Self { is_comparison: false, ..Self::of_change(model, model, title, subtitle) }
    }

    /// A picture of what becomes of `before` when it turns into `after`.
    pub fn of_change(before: &Model, after: &Model, title: &str, subtitle: &str) -> Self {
        let comparison = compare_models(before, after);
        let vertex = |change: &ComponentChange| {
            Some(build_vertex(change, change.component()?, before, after))
        };
        let vertices: Vec<_> = comparison.components.iter().filter_map(vertex).collect();
        let at = |name: &ComponentName| vertices.iter().position(|vertex| vertex.name == *name);
        let arrow =
            |wire: &EdgeChange| Some(build_arrow(wire, at(&wire.edge.from)?, at(&wire.edge.to)?));
        let arrows = comparison.edges.iter().filter_map(arrow).collect();
        let (title, subtitle) = (title.to_owned(), subtitle.to_owned());
        Self { title, subtitle, is_comparison: true, vertices, arrows }
    }

    /// What stands before the text of whatever becomes this.
    pub(super) fn sign_prefix(&self, change: Change) -> &'static str {
        match (self.is_comparison, change) {
            (true, Change::Comes) => "+ ",
            (true, Change::Goes) => "− ",
            (true, Change::Changes) => "~ ",
            (false, _) | (true, Change::Stays) => "",
        }
    }

    /// The text at an edge; empty if it needs none.
    pub(super) fn arrow_text(&self, arrow: &Arrow) -> String {
        let what = match arrow.kind {
            EdgeKind::Migrates => "takes over ",
            EdgeKind::Drives | EdgeKind::Calls | EdgeKind::Queries | EdgeKind::Peers => "",
        };
        let label = arrow.label.as_deref().unwrap_or_default();
        format!("{}{what}{label}", self.sign_prefix(arrow.change)).trim().to_owned()
    }
}

fn build_vertex(
    change: &ComponentChange,
    component: &Component,
    before: &Model,
    after: &Model,
) -> Vertex {
    let (same, differ) = match (&change.before, &change.after) {
        (Some(old), Some(new)) => changed_lines(change, old, new),
        _ => (component_lines(component), vec![]),
    };
    let ready = before.ready_pods.get(&component.name).filter(|ready| **ready < component.replicas);
    let ready = ready.map(|ready| format!("{ready} of {} ready", component.replicas));
    Vertex {
        name: component.name.clone(),
        role: component.role(),
        is_entry: after.entry() == Some(&component.name),
        change: match change.change {
            // What changes of its edges only is seen there.
            Change::Changes if differ.is_empty() => Change::Stays,
            change => change,
        },
        pods: (
            change.before.as_ref().map_or(0, pod_count),
            change.after.as_ref().map_or(0, pod_count),
        ),
        lines: same.into_iter().chain(differ).chain(ready).collect(),
    }
}

fn component_lines(component: &Component) -> Vec<String> {
    let owned = caption::owned_collections(component).map(|kinds| format!("owns {kinds}"));
    caption::size_lines(component).into_iter().chain(owned).collect()
}

/// What is said of both, and what differs.
fn changed_lines(
    change: &ComponentChange,
    old: &Component,
    new: &Component,
) -> (Vec<String>, Vec<String>) {
    let (before, mut same) = (component_lines(old), component_lines(new));
    same.retain(|line| before.contains(line));
    let said =
        change.differences.iter().filter(|difference| difference.takes != Disruption::Reroute);
    let said = said.map(|d| format!("{} {} → {}", d.what, d.before, d.after));
    let (had, has) = (caption::owned_collections(old), caption::owned_collections(new));
    let nothing = || "nothing".to_owned();
    let owns = (had != has)
        .then(|| format!("owns {} → {}", had.unwrap_or_else(nothing), has.unwrap_or_else(nothing)));
    (same, said.chain(owns).collect())
}

fn pod_count(component: &Component) -> u32 {
    match &component.behavior {
        Behavior::Peer(task) => task.members.max(component.replicas),
        Behavior::Service(_) | Behavior::Store(_) | Behavior::Load(_) => component.replicas,
    }
}

fn build_arrow(wire: &EdgeChange, from: usize, to: usize) -> Arrow {
    let always = || "always".to_owned();
    let label = match (wire.change, &wire.labels) {
        (Change::Changes, (before, after)) => Some(format!(
            "{} → {}",
            before.clone().unwrap_or_else(always),
            after.clone().unwrap_or_else(always)
        )),
        (Change::Goes, (before, _)) => before.clone(),
        (Change::Stays | Change::Comes, (_, after)) => after.clone(),
    };
    Arrow { from, to, kind: wire.edge.kind, change: wire.change, label }
}
