//! Pictures in Mermaid, which GitHub draws in Markdown.

use super::{
    compare::Change,
    picture::{Arrow, Picture, Vertex},
};
use crate::plan::EdgeKind;
use maquette_contract::{ComponentName, Role};

/// A Mermaid flowchart. The viewer lays it out.
pub fn mermaid(picture: &Picture) -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    lines.push(format!("  %% {}", comment_text(picture)));
    lines.extend(picture.vertices.iter().map(|vertex| vertex_line(picture, vertex)));
    lines.extend(picture.arrows.iter().map(|arrow| arrow_line(picture, arrow)));
    if picture.is_comparison {
        lines.extend(LEGEND.map(|line| format!("  {line}")));
        lines.extend(link_styles(picture));
        lines.extend(CHANGE_CLASSES.map(|line| format!("  {line}")));
    } else {
        lines.extend(ROLE_CLASSES.map(|line| format!("  {line}")));
    }
    lines.join("\n") + "\n"
}

const ROLE_CLASSES: [&str; 4] = [
    "classDef load fill:#f6f8fa,stroke:#59636e,color:#1f2328",
    "classDef service fill:#ddf4ff,stroke:#0969da,color:#1f2328",
    "classDef store fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "classDef peer fill:#fff1e5,stroke:#bc4c00,color:#1f2328",
];

const CHANGE_CLASSES: [&str; 4] = [
    "classDef stays fill:#ffffff,stroke:#818b98,color:#1f2328",
    "classDef comes fill:#dafbe1,stroke:#1a7f37,stroke-width:3px,color:#1f2328",
    "classDef goes fill:#ffebe9,stroke:#cf222e,stroke-width:2px,stroke-dasharray:7 4,color:#1f2328",
    "classDef changes fill:#fff8c5,stroke:#9a6700,stroke-width:2px,stroke-dasharray:2 3,color:#1f2328",
];

const LEGEND: [&str; 6] = [
    "subgraph legend",
    "  direction LR",
    "  legend_comes([\"+ comes\"]):::comes ~~~ legend_goes([\"− goes\"]):::goes",
    "  legend_goes ~~~ legend_changes([\"~ changes\"]):::changes",
    "  legend_changes ~~~ legend_stays([\"stays\"]):::stays",
    "end",
];

/// A comment ends at the end of its line, and Mermaid reads `{` in a comment as a directive.
fn comment_text(picture: &Picture) -> String {
    let text = format!("{}: {}", picture.title, picture.subtitle);
    text.chars().map(|c| if c.is_control() || "{}".contains(c) { ' ' } else { c }).collect()
}

/// An identifier for a component. The prefix keeps it apart from reserved words such as `end`.
fn vertex_id(name: &ComponentName) -> String {
    format!("n_{}", name.as_str().replace('-', "_"))
}

fn vertex_line(picture: &Picture, vertex: &Vertex) -> String {
    let (open, close) = match vertex.role {
        Role::Load => ("([", "])"),
        Role::Service => ("(", ")"),
        Role::Store => ("[(", ")]"),
        Role::Peer => ("{{", "}}"),
    };
    let class = match (picture.is_comparison, vertex.change) {
        (false, _) => vertex.role.as_str(),
        (true, Change::Stays) => "stays",
        (true, Change::Comes) => "comes",
        (true, Change::Goes) => "goes",
        (true, Change::Changes) => "changes",
    };
    let sign = picture.sign_prefix(vertex.change);
    let entry = vertex.is_entry.then(|| "entry".to_owned());
    let lines = entry.iter().chain(&vertex.lines).map(|line| escape_text(line));
    let name = format!("<b>{sign}{}</b>", escape_text(vertex.name.as_str()));
    let text: Vec<_> = [name].into_iter().chain(lines).collect();
    format!("  {}{open}\"{}\"{close}:::{class}", vertex_id(&vertex.name), text.join("<br>"))
}

fn arrow_line(picture: &Picture, arrow: &Arrow) -> String {
    let line = match (picture.is_comparison, arrow.change, arrow.kind) {
        (true, Change::Comes, _) => "==>",
        (true, Change::Goes | Change::Changes, _) | (false, _, EdgeKind::Migrates) => "-.->",
        _ => "-->",
    };
    let label = match escape_text(&picture.arrow_text(arrow)) {
        text if text.is_empty() => String::new(),
        text => format!("|\"{text}\"|"),
    };
    let [from, to] = [arrow.from, arrow.to]
        .map(|index| picture.vertices.get(index).map(|v| vertex_id(&v.name)).unwrap_or_default());
    format!("  {from} {line}{label} {to}")
}

/// The colors of the edges. Mermaid numbers links in the order in which they are written.
fn link_styles(picture: &Picture) -> Vec<String> {
    let styles = [
        (Change::Comes, "stroke:#1a7f37,stroke-width:3px"),
        (Change::Goes, "stroke:#cf222e,stroke-width:2px,stroke-dasharray:7 4"),
        (Change::Changes, "stroke:#9a6700,stroke-width:2px,stroke-dasharray:2 3"),
        (Change::Stays, "stroke:#818b98"),
    ];
    styles
        .into_iter()
        .filter_map(|(change, style)| {
            let arrows = picture.arrows.iter().enumerate().filter(|(_, a)| a.change == change);
            let numbers: Vec<_> = arrows.map(|(number, _)| number.to_string()).collect();
            (!numbers.is_empty()).then(|| format!("  linkStyle {} {style}", numbers.join(",")))
        })
        .collect()
}

/// `text` to be put in quotes: characters that mean something to Mermaid or HTML become entities.
fn escape_text(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | ';' | '\\' | '`' => {
                escaped.push_str(&format!("#{};", u32::from(c)));
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
