//! The content of a picture, in any format: the text of every component and edge, and what a change
//! does to each. It never depends on where anything is drawn.

use super::{
    caption,
    compare::{Change, ComponentChange, EdgeChange, compare_models},
    difference::Disruption,
    model::Model,
};
use crate::plan::{Behavior, Component, EdgeKind};
use maquette_contract::{ComponentName, Role};

/// A picture of a model, or of a change from one model to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// Whether it shows a change.
    pub(super) is_comparison: bool,
    /// The components, by name.
    pub(super) vertices: Vec<Vertex>,
    pub(super) arrows: Vec<Arrow>,
}

/// A component in a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vertex {
    pub(super) name: ComponentName,
    pub(super) role: Role,
    /// Whether users enter here; of a change: after it.
    pub(super) is_entry: bool,
    pub(super) change: Change,
    /// Pods, before and after.
    pub(super) pods: (u32, u32),
    /// The lines of text below the name.
    pub(super) lines: Vec<String>,
}

/// An edge in a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrow {
    /// Index of a vertex.
    pub(super) from: usize,
    /// Index of a vertex.
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

    /// A picture of the change from `before` to `after`.
    pub fn of_change(before: &Model, after: &Model, title: &str, subtitle: &str) -> Self {
        let comparison = compare_models(before, after);
        let vertices: Vec<_> = comparison
            .components
            .iter()
            .filter_map(|change| build_vertex(change, before, after))
            .collect();
        let arrows =
            comparison.edges.iter().filter_map(|change| build_arrow(change, &vertices)).collect();
        let (title, subtitle) = (title.to_owned(), subtitle.to_owned());
        Self { title, subtitle, is_comparison: true, vertices, arrows }
    }

    /// The sign before a text, for readers who do not see the colors of a change.
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
        let verb = match arrow.kind {
            EdgeKind::Migrates => "migrates ",
            EdgeKind::Drives | EdgeKind::Calls | EdgeKind::Queries | EdgeKind::Peers => "",
        };
        let label = arrow.label.as_deref().unwrap_or_default();
        format!("{}{verb}{label}", self.sign_prefix(arrow.change)).trim().to_owned()
    }
}

fn build_vertex(change: &ComponentChange, before: &Model, after: &Model) -> Option<Vertex> {
    let component = change.component()?;
    let (same_lines, changed_lines) = match (&change.before, &change.after) {
        (Some(old), Some(new)) => (same_lines(old, new), changed_lines(change, old, new)),
        _ => (component_lines(component), vec![]),
    };
    Some(Vertex {
        name: component.name.clone(),
        role: component.role(),
        is_entry: after.entry() == Some(&component.name),
        change: match change.change {
            // A component whose edges alone change is drawn unchanged: its arrows show the change.
            Change::Changes if changed_lines.is_empty() => Change::Stays,
            change => change,
        },
        pods: (
            change.before.as_ref().map_or(0, pod_count),
            change.after.as_ref().map_or(0, pod_count),
        ),
        lines: same_lines
            .into_iter()
            .chain(changed_lines)
            .chain(unready_line(component, before))
            .collect(),
    })
}

fn component_lines(component: &Component) -> Vec<String> {
    let owned =
        caption::owned_collections(component).map(|collections| format!("owns {collections}"));
    caption::size_lines(component).into_iter().chain(owned).collect()
}

fn same_lines(old: &Component, new: &Component) -> Vec<String> {
    let (old_lines, mut lines) = (component_lines(old), component_lines(new));
    lines.retain(|line| old_lines.contains(line));
    lines
}

fn changed_lines(change: &ComponentChange, old: &Component, new: &Component) -> Vec<String> {
    // The arrows show where requests go.
    let shown =
        change.differences.iter().filter(|difference| difference.takes != Disruption::Reroute);
    let (old_owned, new_owned) = (caption::owned_collections(old), caption::owned_collections(new));
    let ownership = (old_owned != new_owned).then(|| {
        let nothing = "nothing".to_owned();
        format!(
            "owns {} → {}",
            old_owned.as_ref().unwrap_or(&nothing),
            new_owned.as_ref().unwrap_or(&nothing)
        )
    });
    shown.map(|d| format!("{} {} → {}", d.what, d.before, d.after)).chain(ownership).collect()
}

fn unready_line(component: &Component, running: &Model) -> Option<String> {
    let ready = running.ready_pods.get(&component.name)?;
    let replicas = component.replicas;
    (*ready < replicas).then(|| format!("{ready} of {replicas} ready"))
}

fn pod_count(component: &Component) -> u32 {
    match &component.behavior {
        Behavior::Peer(peer) => peer.members.max(component.replicas),
        Behavior::Service(_) | Behavior::Store(_) | Behavior::Load(_) => component.replicas,
    }
}

/// None if one of the edge's ends is not in the picture.
fn build_arrow(change: &EdgeChange, vertices: &[Vertex]) -> Option<Arrow> {
    Some(Arrow {
        from: vertex_index(vertices, &change.edge.from)?,
        to: vertex_index(vertices, &change.edge.to)?,
        kind: change.edge.kind,
        change: change.change,
        label: match (change.change, &change.labels) {
            (Change::Changes, (before, after)) => {
                let always = "always".to_owned();
                let (before, after) = (before.as_ref(), after.as_ref());
                Some(format!("{} → {}", before.unwrap_or(&always), after.unwrap_or(&always)))
            }
            (Change::Goes, (before, _)) => before.clone(),
            (Change::Stays | Change::Comes, (_, after)) => after.clone(),
        },
    })
}

fn vertex_index(vertices: &[Vertex], name: &ComponentName) -> Option<usize> {
    vertices.iter().position(|vertex| vertex.name == *name)
}
