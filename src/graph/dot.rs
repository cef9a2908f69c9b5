//! Pictures in DOT, the language of Graphviz.

use super::{
    compare::Change,
    picture::{Arrow, Picture, Vertex},
};
use crate::plan::EdgeKind;
use maquette_contract::Role;

/// A directed graph in DOT. Graphviz lays it out.
pub fn dot(picture: &Picture) -> String {
    let mut lines = vec![
        format!("digraph {} {{", quoted_string(&picture.title)),
        format!("  label={}", quoted_string(&format!("{}\n{}", picture.title, picture.subtitle))),
        "  labelloc=t".to_owned(),
        "  rankdir=TB".to_owned(),
        "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=12]".to_owned(),
        "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, color=\"#59636e\"]"
            .to_owned(),
    ];
    lines.extend(picture.vertices.iter().map(|vertex| vertex_line(picture, vertex)));
    lines.extend(store_rank(picture));
    lines.extend(picture.arrows.iter().map(|arrow| arrow_line(picture, arrow)));
    if picture.is_comparison {
        lines.extend(LEGEND.map(|line| format!("  {line}")));
    }
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}

const LEGEND: [&str; 7] = [
    "subgraph cluster_legend {",
    "  label=legend; fontsize=10; color=\"#d0d7de\"",
    "  legend_comes [label=\"+ comes\", shape=box, style=\"filled,bold\", color=\"#1a7f37\", fillcolor=\"#dafbe1\"]",
    "  legend_goes [label=\"− goes\", shape=box, style=\"filled,dashed\", color=\"#cf222e\", fillcolor=\"#ffebe9\"]",
    "  legend_changes [label=\"~ changes\", shape=box, style=\"filled,dotted\", penwidth=2, color=\"#9a6700\", fillcolor=\"#fff8c5\"]",
    "  legend_stays [label=stays, shape=box, style=filled, color=\"#818b98\", fillcolor=white]",
    "}",
];

fn vertex_line(picture: &Picture, vertex: &Vertex) -> String {
    let shape = match vertex.role {
        Role::Load => "oval",
        Role::Service => "box",
        Role::Store => "cylinder",
        Role::Peer => "octagon",
    };
    let style = match (picture.is_comparison, vertex.change) {
        (false, _) => role_style(vertex.role),
        (true, Change::Stays) => "style=filled, color=\"#818b98\", fillcolor=white",
        (true, Change::Comes) => "style=\"filled,bold\", color=\"#1a7f37\", fillcolor=\"#dafbe1\"",
        (true, Change::Goes) => "style=\"filled,dashed\", color=\"#cf222e\", fillcolor=\"#ffebe9\"",
        (true, Change::Changes) => {
            "style=\"filled,dotted\", penwidth=2, color=\"#9a6700\", fillcolor=\"#fff8c5\""
        }
    };
    let sign = picture.sign_prefix(vertex.change);
    let entry = vertex.is_entry.then(|| "entry".to_owned());
    let name = format!("{sign}{}", vertex.name);
    let text: Vec<_> = [&name].into_iter().chain(&entry).chain(&vertex.lines).cloned().collect();
    let name = quoted_string(vertex.name.as_str());
    format!("  {name} [label={}, shape={shape}, {style}]", quoted_string(&text.join("\n")))
}

fn role_style(role: Role) -> &'static str {
    match role {
        Role::Load => "style=filled, color=\"#59636e\", fillcolor=\"#f6f8fa\"",
        Role::Service => "style=\"filled,rounded\", color=\"#0969da\", fillcolor=\"#ddf4ff\"",
        Role::Store => "style=filled, color=\"#1a7f37\", fillcolor=\"#dafbe1\"",
        Role::Peer => "style=filled, color=\"#bc4c00\", fillcolor=\"#fff1e5\"",
    }
}

/// Stores stand side by side in the lowest row.
fn store_rank(picture: &Picture) -> Option<String> {
    let stores = picture.vertices.iter().filter(|vertex| vertex.role == Role::Store);
    let names: Vec<_> = stores.map(|store| quoted_string(store.name.as_str())).collect();
    (names.len() > 1).then(|| format!("  {{ rank=sink; {} }}", names.join("; ")))
}

fn arrow_line(picture: &Picture, arrow: &Arrow) -> String {
    let style = match (picture.is_comparison, arrow.change, arrow.kind) {
        (true, Change::Comes, _) => "style=bold, color=\"#1a7f37\"",
        (true, Change::Goes, _) => "style=dashed, color=\"#cf222e\"",
        (true, Change::Changes, _) => "style=dotted, penwidth=2, color=\"#9a6700\"",
        (_, _, EdgeKind::Migrates) => "style=dotted, penwidth=2, color=\"#8250df\"",
        _ => "",
    };
    let text = picture.arrow_text(arrow);
    let label = (!text.is_empty()).then(|| format!("label={}", quoted_string(&text)));
    let both = (arrow.kind == EdgeKind::Peers).then(|| "dir=both".to_owned());
    let style = (!style.is_empty()).then(|| style.to_owned());
    let attributes: Vec<_> = [label, style, both].into_iter().flatten().collect();
    let ends = [arrow.from, arrow.to].map(|index| {
        picture.vertices.get(index).map_or_else(String::new, |v| quoted_string(v.name.as_str()))
    });
    match attributes.is_empty() {
        true => format!("  {} -> {}", ends[0], ends[1]),
        false => format!("  {} -> {} [{}]", ends[0], ends[1], attributes.join(", ")),
    }
}

/// `text` in quotes, with escapes. Graphviz centers each line of it.
fn quoted_string(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let plain: String = escaped.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{plain}\"")
}
