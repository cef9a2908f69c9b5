//! Components: a box for a service, a cylinder for a store, a ring of circles for peers, a pill for the
//! end users. Several pods are cards that lie upon each other.

use super::{ring, style, text};
use crate::graph::{
    compare::Change,
    layout::{Point, Rect, Size},
    picture::{Picture, Vertex},
};
use maquette_contract::Role;
use text::{escaped, number};

const NAME: f64 = 13.0;
const LINE: f64 = 11.0;
const LINE_HEIGHT: f64 = 15.0;
/// No line is wider; the rest of it is in the tooltip.
const WIDEST_LINE: f64 = 250.0;
const PADDING: Size = Size { width: 18.0, height: 11.0 };
const NARROWEST: f64 = 92.0;
/// How far the lid of a cylinder reaches down.
pub(super) const LID: f64 = 8.0;
/// How far a card looks out below another.
const CARD: f64 = 4.0;

/// A line of text below the name, and its class.
fn lines(vertex: &Vertex) -> Vec<(&'static str, String)> {
    let entry = vertex.entry.then(|| ("entry", "entry".to_owned()));
    let line = |line: &String| ("line", text::cut(line, LINE, WIDEST_LINE));
    entry.into_iter().chain(vertex.lines.iter().map(line)).collect()
}

fn text_size(vertex: &Vertex) -> Size {
    let lines = lines(vertex);
    let widths = lines.iter().map(|(_, line)| text::width(line, LINE, false));
    let width = widths.fold(text::width(vertex.name.as_str(), NAME, true), f64::max);
    let count = u32::try_from(lines.len()).unwrap_or(0);
    Size { width, height: LINE_HEIGHT * (1.0 + f64::from(count)) }
}

/// The size of a component.
pub(super) fn size(vertex: &Vertex) -> Size {
    let text = text_size(vertex);
    let width = (text.width + 2.0 * PADDING.width).max(NARROWEST);
    let height = text.height + 2.0 * PADDING.height;
    match vertex.role {
        Role::Store => Size { width, height: height + 2.0 * LID },
        Role::Peer if ring::fits(vertex) => ring::size(vertex, text),
        Role::Load | Role::Service | Role::Peer => Size { width, height },
    }
}

/// A component at its place.
pub(super) fn draw(vertex: &Vertex, place: &Rect, picture: &Picture) -> String {
    let class = match picture.compared {
        true => style::change(vertex.change),
        false => vertex.role.as_str(),
    };
    let (body, top) = match vertex.role {
        Role::Store => (cylinder(place, class), place.corner.y + 2.0 * LID + PADDING.height - 3.0),
        Role::Peer if ring::fits(vertex) => {
            (ring::draw(vertex, place, picture), place.corner.y + PADDING.height)
        }
        Role::Load => {
            (card(place, place.size.height / 2.0, class), place.corner.y + PADDING.height)
        }
        Role::Service | Role::Peer => {
            (cards(vertex, place, class), place.corner.y + PADDING.height)
        }
    };
    let title = title(vertex);
    let sign = if picture.compared { badge(place, vertex.change) } else { String::new() };
    format!("<g><title>{title}</title>{body}{}{sign}</g>", words(vertex, place.center().x, top))
}

/// All that there is to say, uncut.
fn title(vertex: &Vertex) -> String {
    let name = vertex.name.to_string();
    let all: Vec<_> = [&name].into_iter().chain(&vertex.lines).map(|line| escaped(line)).collect();
    all.join("\n")
}

fn words(vertex: &Vertex, x: f64, top: f64) -> String {
    let name = ("name", vertex.name.to_string());
    let mut words = String::new();
    let mut y = top + 11.5;
    for (class, line) in [name].into_iter().chain(lines(vertex)) {
        let (x, line) = (number(x), escaped(&line));
        words.push_str(&format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{}\">{line}</text>",
            number(y)
        ));
        y += LINE_HEIGHT;
    }
    words
}

fn card(place: &Rect, radius: f64, class: &str) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>",
        number(place.corner.x),
        number(place.corner.y),
        number(place.size.width),
        number(place.size.height),
        number(radius)
    )
}

/// One card for one pod, two for two, three for more.
fn cards(vertex: &Vertex, place: &Rect, class: &str) -> String {
    let pods = vertex.pods.0.max(vertex.pods.1).clamp(1, 3);
    let behind = |depth: u32| {
        let by = CARD * f64::from(depth);
        let corner = Point { x: place.corner.x + by, y: place.corner.y + by };
        card(&Rect { corner, size: place.size }, 8.0, class)
    };
    (0..pods).rev().map(behind).collect()
}

fn cylinder(place: &Rect, class: &str) -> String {
    let Rect { corner, size } = place;
    let (x, y, width) = (number(corner.x), number(corner.y + LID), number(size.width));
    let (rx, ry) = (number(size.width / 2.0), number(LID));
    let height = number(size.height - 2.0 * LID);
    format!(
        "<path class=\"{class}\" d=\"M{x} {y} v{height} a{rx} {ry} 0 0 0 {width} 0 v-{height}\"/>\
         <ellipse class=\"{class}\" cx=\"{}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\"/>",
        number(place.center().x)
    )
}

/// The sign of a change on the corner of a component.
fn badge(place: &Rect, change: Change) -> String {
    if change == Change::Stays {
        return String::new();
    }
    let (x, y) = (place.corner.x + 3.0, place.corner.y + 3.0);
    sign(Point { x, y }, change)
}

/// The sign of a change in a circle.
pub(super) fn sign(at: Point, change: Change) -> String {
    format!(
        "<circle class=\"sign-{}\" cx=\"{}\" cy=\"{}\" r=\"8.5\"/>\
         <text class=\"sign\" x=\"{}\" y=\"{}\">{}</text>",
        style::change(change),
        number(at.x),
        number(at.y),
        number(at.x),
        number(at.y + 4.5),
        style::sign(change)
    )
}
