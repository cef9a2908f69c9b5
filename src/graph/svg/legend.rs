//! The legend: the meaning of the shapes, lines and signs that are in the picture.

use super::{
    style,
    text::{self, escape_xml, format_number},
    vertices,
};
use crate::graph::{
    compare::Change,
    layout::{Extent, Point},
    picture::Picture,
};
use crate::plan::EdgeKind;
use maquette_contract::Role;

const FONT_SIZE: f64 = 11.0;
const SAMPLE_WIDTH: f64 = 30.0;
const GAP: f64 = 24.0;

/// A legend in one line.
pub(super) struct Legend {
    entries: Vec<LegendEntry>,
    pub(super) width: f64,
}

struct LegendEntry {
    /// SVG elements around 0, 0.
    sample: String,
    text: &'static str,
    width: f64,
}

impl LegendEntry {
    fn new(sample: String, text: &'static str) -> Self {
        let width = SAMPLE_WIDTH + 8.0 + text::text_width(text, FONT_SIZE, false);
        Self { sample, text, width }
    }
}

impl Legend {
    pub(super) fn for_picture(picture: &Picture) -> Self {
        let entries = if picture.is_comparison { change_entries() } else { role_entries(picture) };
        let gaps = GAP * f64::from(u32::try_from(entries.len().saturating_sub(1)).unwrap_or(0));
        let width = entries.iter().map(|entry| entry.width).sum::<f64>() + gaps;
        Self { entries, width }
    }

    /// Draws the legend at the foot of a picture of this size.
    pub(super) fn draw(&self, picture: Extent) -> String {
        let y = picture.height - 30.0;
        let mut x = (picture.width - self.width) / 2.0;
        let mut drawn = format!(
            "<path class=\"paper\" d=\"M0 {} H{}\"/>",
            format_number(picture.height - 56.0),
            format_number(picture.width)
        );
        for entry in &self.entries {
            drawn.push_str(&format!(
                "<g transform=\"translate({} {})\">{}</g>\
                 <text class=\"legend\" x=\"{}\" y=\"{}\">{}</text>",
                format_number(x + SAMPLE_WIDTH / 2.0),
                format_number(y),
                entry.sample,
                format_number(x + SAMPLE_WIDTH + 8.0),
                format_number(y + 4.0),
                escape_xml(entry.text)
            ));
            x += entry.width + GAP;
        }
        drawn
    }
}

fn change_entries() -> Vec<LegendEntry> {
    [Change::Comes, Change::Goes, Change::Changes, Change::Stays].map(change_entry).into()
}

fn change_entry(change: Change) -> LegendEntry {
    let class = style::change_class(change);
    let card =
        format!("<rect class=\"{class}\" x=\"-14\" y=\"-9\" width=\"28\" height=\"18\" rx=\"4\"/>");
    let sign = match change {
        Change::Stays => String::new(),
        change => vertices::draw_sign(Point { x: -14.0, y: -8.0 }, change),
    };
    LegendEntry::new(card + &sign, class)
}

fn role_entries(picture: &Picture) -> Vec<LegendEntry> {
    let mut entries: Vec<_> = ROLE_SAMPLES
        .into_iter()
        .filter(|(role, ..)| picture.vertices.iter().any(|vertex| vertex.role == *role))
        .map(|(_, sample, text)| LegendEntry::new(sample.to_owned(), text))
        .collect();
    if picture.arrows.iter().any(|arrow| arrow.kind == EdgeKind::Migrates) {
        let line = "<path class=\"edge-migrates\" d=\"M-15 0 H15\"/>".to_owned();
        entries.push(LegendEntry::new(line, "migrates items"));
    }
    entries
}

const ROLE_SAMPLES: [(Role, &str, &str); 4] = [
    (
        Role::Load,
        "<rect class=\"load\" x=\"-14\" y=\"-8\" width=\"28\" height=\"16\" rx=\"8\"/>",
        "end users",
    ),
    (
        Role::Service,
        "<rect class=\"service\" x=\"-14\" y=\"-8\" width=\"28\" height=\"16\" rx=\"4\"/>",
        "service",
    ),
    (
        Role::Store,
        "<path class=\"store\" d=\"M-13 -5 v10 a13 4 0 0 0 26 0 v-10\"/>\
         <ellipse class=\"store\" cx=\"0\" cy=\"-5\" rx=\"13\" ry=\"4\"/>",
        "store",
    ),
    (Role::Peer, "<circle class=\"peer\" r=\"9\"/>", "peer"),
];
