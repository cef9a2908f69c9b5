//! What shapes, lines and signs mean: those that are in the picture.

use super::{
    shape,
    text::{self, escaped, number},
};
use crate::graph::{
    compare::Change,
    layout::{Point, Size},
    picture::Picture,
};
use crate::plan::EdgeKind;
use maquette_contract::Role;

const FONT: f64 = 11.0;
/// Of what is explained.
const SAMPLE: f64 = 30.0;
const GAP: f64 = 24.0;

/// The legend, in one line.
pub(super) struct Legend {
    entries: Vec<Entry>,
    pub(super) width: f64,
}

struct Entry {
    /// Drawn around 0, 0.
    sample: String,
    text: &'static str,
    width: f64,
}

impl Entry {
    fn new(sample: String, text: &'static str) -> Self {
        let width = SAMPLE + 8.0 + text::width(text, FONT, false);
        Self { sample, text, width }
    }
}

impl Legend {
    pub(super) fn of(picture: &Picture) -> Self {
        let entries = if picture.compared { changes() } else { kinds(picture) };
        let gaps = GAP * f64::from(u32::try_from(entries.len().saturating_sub(1)).unwrap_or(0));
        let width = entries.iter().map(|entry| entry.width).sum::<f64>() + gaps;
        Self { entries, width }
    }

    /// The legend at the foot of a picture of this size.
    pub(super) fn draw(&self, picture: Size) -> String {
        let y = picture.height - 30.0;
        let mut x = (picture.width - self.width) / 2.0;
        let mut drawn = format!(
            "<path class=\"paper\" d=\"M0 {} H{}\"/>",
            number(picture.height - 56.0),
            number(picture.width)
        );
        for entry in &self.entries {
            drawn.push_str(&format!(
                "<g transform=\"translate({} {})\">{}</g>\
                 <text class=\"legend\" x=\"{}\" y=\"{}\">{}</text>",
                number(x + SAMPLE / 2.0),
                number(y),
                entry.sample,
                number(x + SAMPLE + 8.0),
                number(y + 4.0),
                escaped(entry.text)
            ));
            x += entry.width + GAP;
        }
        drawn
    }
}

fn changes() -> Vec<Entry> {
    let entry = |change: Change, class: &str, text| {
        let sign = match change {
            Change::Stays => String::new(),
            change => shape::sign(Point { x: -14.0, y: -8.0 }, change),
        };
        let card = format!(
            "<rect class=\"{class}\" x=\"-14\" y=\"-9\" width=\"28\" height=\"18\" rx=\"4\"/>"
        );
        Entry::new(card + &sign, text)
    };
    vec![
        entry(Change::Comes, "comes", "comes"),
        entry(Change::Goes, "goes", "goes"),
        entry(Change::Changes, "changes", "changes"),
        entry(Change::Stays, "stays", "stays"),
    ]
}

fn kinds(picture: &Picture) -> Vec<Entry> {
    let roles = [
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
            "<path class=\"store\" d=\"M-13 -5 v10 a13 4 0 0 0 26 0 v-10\"/><ellipse class=\"store\" cx=\"0\" cy=\"-5\" rx=\"13\" ry=\"4\"/>",
            "store",
        ),
        (Role::Peer, "<circle class=\"peer\" r=\"9\"/>", "peer"),
    ];
    let there = |role: Role| picture.vertices.iter().any(|vertex| vertex.role == role);
    let roles = roles.into_iter().filter(|(role, ..)| there(*role));
    let taking = picture.arrows.iter().any(|arrow| arrow.kind == EdgeKind::Migrates);
    let takes = taking.then(|| {
        let line = "<path class=\"edge-takes\" d=\"M-15 0 H15\"/>".to_owned();
        Entry::new(line, "takes items over")
    });
    roles.map(|(_, sample, text)| Entry::new(sample.to_owned(), text)).chain(takes).collect()
}
