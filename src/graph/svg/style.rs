//! The style sheet, and the classes and signs of components and edges.

use crate::graph::{
    compare::Change,
    picture::{Arrow, Picture},
};
use crate::plan::EdgeKind;
use std::collections::BTreeSet;

/// At least one of these fonts is on every machine.
pub(super) const FONT_FAMILY: &str = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";

/// The class of a component is its role or, in a comparison, its change. For edges likewise.
pub(super) const STYLE_SHEET: &str = "\
.paper { fill: #ffffff; stroke: #d0d7de }
.title { font-size: 18px; font-weight: 600; fill: #1f2328; text-anchor: middle }
.subtitle { font-size: 12.5px; fill: #59636e; text-anchor: middle }
.name { font-size: 13px; font-weight: 600; fill: #1f2328; text-anchor: middle }
.line { font-size: 11px; fill: #59636e; text-anchor: middle }
.entry { font-size: 11px; font-style: italic; fill: #0550ae; text-anchor: middle }
.legend { font-size: 11px; fill: #59636e }
.load { fill: #f6f8fa; stroke: #59636e; stroke-width: 1.5 }
.service { fill: #ddf4ff; stroke: #0969da; stroke-width: 1.5 }
.store { fill: #dafbe1; stroke: #1a7f37; stroke-width: 1.5 }
.peer { fill: #fff1e5; stroke: #bc4c00; stroke-width: 1.5 }
.ring { fill: #fffaf5; stroke: #fb8f44; stroke-dasharray: 2 4 }
.mesh { stroke: #bc4c00; stroke-width: 1; opacity: .35 }
.number { font-size: 11px; fill: #1f2328; text-anchor: middle }
.stays { fill: #ffffff; stroke: #818b98; stroke-width: 1.5 }
.comes { fill: #dafbe1; stroke: #1a7f37; stroke-width: 3 }
.goes { fill: #ffebe9; stroke: #cf222e; stroke-width: 2; stroke-dasharray: 7 4 }
.changes { fill: #fff8c5; stroke: #9a6700; stroke-width: 2; stroke-dasharray: 2 3 }
.sign { font-size: 13px; font-weight: 700; fill: #ffffff; text-anchor: middle }
.sign-comes { fill: #1a7f37 }
.sign-goes { fill: #cf222e }
.sign-changes { fill: #9a6700 }
.edge { fill: none; stroke: #59636e; stroke-width: 1.5 }
.edge-migrates { fill: none; stroke: #8250df; stroke-width: 2; stroke-dasharray: 2 4; stroke-linecap: round }
.edge-stays { fill: none; stroke: #818b98; stroke-width: 1.25 }
.edge-comes { fill: none; stroke: #1a7f37; stroke-width: 3 }
.edge-goes { fill: none; stroke: #cf222e; stroke-width: 2; stroke-dasharray: 7 4 }
.edge-changes { fill: none; stroke: #9a6700; stroke-width: 2; stroke-dasharray: 2 3 }
.label { font-size: 10.5px; fill: #1f2328; text-anchor: middle }
.halo { fill: #ffffff; opacity: .85 }
";

pub(super) fn edge_class(arrow: &Arrow, is_comparison: bool) -> &'static str {
    match (is_comparison, arrow.change, arrow.kind) {
        (true, Change::Stays, _) => "edge-stays",
        (true, Change::Comes, _) => "edge-comes",
        (true, Change::Goes, _) => "edge-goes",
        (true, Change::Changes, _) => "edge-changes",
        (false, _, EdgeKind::Migrates) => "edge-migrates",
        (false, _, _) => "edge",
    }
}

/// The class of a component in a comparison, and its text in the legend.
pub(super) fn change_class(change: Change) -> &'static str {
    match change {
        Change::Stays => "stays",
        Change::Comes => "comes",
        Change::Goes => "goes",
        Change::Changes => "changes",
    }
}

/// Tells changes apart without color.
pub(super) fn change_sign(change: Change) -> &'static str {
    match change {
        Change::Stays => "",
        Change::Comes => "+",
        Change::Goes => "−",
        Change::Changes => "~",
    }
}

/// The heads of the arrows, one for each class of edges in the picture.
pub(super) fn arrow_markers(picture: &Picture) -> String {
    let used: BTreeSet<_> =
        picture.arrows.iter().map(|a| edge_class(a, picture.is_comparison)).collect();
    let markers: String = used.into_iter().map(arrow_marker).collect();
    format!("<defs>{markers}</defs>")
}

fn arrow_marker(class: &str) -> String {
    let (color, size) = match class {
        "edge-comes" => ("#1a7f37", 12),
        "edge-goes" => ("#cf222e", 10),
        "edge-changes" => ("#9a6700", 10),
        "edge-migrates" => ("#8250df", 10),
        "edge-stays" => ("#818b98", 9),
        _ => ("#59636e", 9),
    };
    format!(
        "<marker id=\"{class}-head\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" \
             markerWidth=\"{size}\" markerHeight=\"{size}\" markerUnits=\"userSpaceOnUse\" \
             orient=\"auto-start-reverse\"><path d=\"M0 0.5 L8 4 L0 7.5 z\" fill=\"{color}\"/></marker>"
    )
}
