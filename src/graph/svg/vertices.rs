//! Components: a box for a service, a cylinder for a store, a ring of circles for peers, a pill for
//! the end users. Several pods are cards that lie upon each other.

use super::{peer_ring, style, text};
use crate::graph::{
    compare::Change,
    layout::{Extent, Point, Rect},
    picture::{Picture, Vertex},
};
use maquette_contract::Role;
use text::{escape_xml, format_number};

const NAME_SIZE: f64 = 13.0;
const LINE_SIZE: f64 = 11.0;
const LINE_HEIGHT: f64 = 15.0;
/// A longer line is cut; the tooltip has all of it.
const MAX_LINE_WIDTH: f64 = 250.0;
const PADDING: Extent = Extent { width: 18.0, height: 11.0 };
const MIN_WIDTH: f64 = 92.0;
/// Half the height of the ellipse that is the lid of a cylinder.
pub(super) const LID_HEIGHT: f64 = 8.0;
/// How far each card is offset from the one above it.
const CARD_OFFSET: f64 = 4.0;

/// The lines of text below the name, each with its class.
fn text_lines(vertex: &Vertex) -> Vec<(&'static str, String)> {
    let entry = vertex.is_entry.then(|| ("entry", "entry".to_owned()));
    let lines = vertex.lines.iter();
    let cut_lines = lines.map(|line| ("line", text::cut_to_width(line, LINE_SIZE, MAX_LINE_WIDTH)));
    entry.into_iter().chain(cut_lines).collect()
}

fn text_size(vertex: &Vertex) -> Extent {
    let lines = text_lines(vertex);
    let widths = lines.iter().map(|(_, line)| text::text_width(line, LINE_SIZE, false));
    let width = widths.fold(text::text_width(vertex.name.as_str(), NAME_SIZE, true), f64::max);
    let count = u32::try_from(lines.len()).unwrap_or(0);
    Extent { width, height: LINE_HEIGHT * (1.0 + f64::from(count)) }
}

/// The size that a component needs for its text.
pub(super) fn size(vertex: &Vertex) -> Extent {
    let text = text_size(vertex);
    let width = (text.width + 2.0 * PADDING.width).max(MIN_WIDTH);
    let height = text.height + 2.0 * PADDING.height;
    match vertex.role {
        Role::Store => Extent { width, height: height + 2.0 * LID_HEIGHT },
        Role::Peer if peer_ring::can_draw(vertex) => peer_ring::panel_size(vertex, text),
        Role::Load | Role::Service | Role::Peer => Extent { width, height },
    }
}

/// Draws a component at its place.
pub(super) fn draw(vertex: &Vertex, place: &Rect, picture: &Picture) -> String {
    let class = match picture.is_comparison {
        true => style::change_class(vertex.change),
        false => vertex.role.as_str(),
    };
    let (body, top) = match vertex.role {
        Role::Store => {
            (draw_cylinder(place, class), place.corner.y + 2.0 * LID_HEIGHT + PADDING.height - 3.0)
        }
        Role::Peer if peer_ring::can_draw(vertex) => {
            (peer_ring::draw(vertex, place, picture), place.corner.y + PADDING.height)
        }
        Role::Load => {
            (draw_card(place, place.size.height / 2.0, class), place.corner.y + PADDING.height)
        }
        Role::Service | Role::Peer => {
            (draw_cards(vertex, place, class), place.corner.y + PADDING.height)
        }
    };
    let title = tooltip(vertex);
    let text = text_block(vertex, place.center().x, top);
    let sign = if picture.is_comparison { draw_badge(place, vertex.change) } else { String::new() };
    format!("<g><title>{title}</title>{body}{text}{sign}</g>")
}

/// The name and all lines, uncut.
fn tooltip(vertex: &Vertex) -> String {
    let mut lines = vec![escape_xml(vertex.name.as_str())];
    lines.extend(vertex.lines.iter().map(|line| escape_xml(line)));
    lines.join("\n")
}

fn text_block(vertex: &Vertex, x: f64, top: f64) -> String {
    let name = ("name", vertex.name.to_string());
    let mut words = String::new();
    let mut y = top + 11.5;
    for (class, line) in [name].into_iter().chain(text_lines(vertex)) {
        let (x, line) = (format_number(x), escape_xml(&line));
        words.push_str(&format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{}\">{line}</text>",
            format_number(y)
        ));
        y += LINE_HEIGHT;
    }
    words
}

fn draw_card(place: &Rect, radius: f64, class: &str) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>",
        format_number(place.corner.x),
        format_number(place.corner.y),
        format_number(place.size.width),
        format_number(place.size.height),
        format_number(radius)
    )
}

/// One card for each pod, at most three.
fn draw_cards(vertex: &Vertex, place: &Rect, class: &str) -> String {
    let pods = vertex.pods.0.max(vertex.pods.1).clamp(1, 3);
    // The lowest card is drawn first.
    (0..pods)
        .rev()
        .map(|depth| {
            let by = CARD_OFFSET * f64::from(depth);
            let corner = Point { x: place.corner.x + by, y: place.corner.y + by };
            draw_card(&Rect { corner, size: place.size }, 8.0, class)
        })
        .collect()
}

fn draw_cylinder(place: &Rect, class: &str) -> String {
    let Rect { corner, size } = place;
    let (x, y, width) =
        (format_number(corner.x), format_number(corner.y + LID_HEIGHT), format_number(size.width));
    let (rx, ry) = (format_number(size.width / 2.0), format_number(LID_HEIGHT));
    let height = format_number(size.height - 2.0 * LID_HEIGHT);
    format!(
        "<path class=\"{class}\" d=\"M{x} {y} v{height} a{rx} {ry} 0 0 0 {width} 0 v-{height}\"/>\
         <ellipse class=\"{class}\" cx=\"{}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\"/>",
        format_number(place.center().x)
    )
}

/// Draws the sign of a change at the corner of a component.
fn draw_badge(place: &Rect, change: Change) -> String {
    if change == Change::Stays {
        return String::new();
    }
    let (x, y) = (place.corner.x + 3.0, place.corner.y + 3.0);
    draw_sign(Point { x, y }, change)
}

/// Draws the sign of a change in a circle.
pub(super) fn draw_sign(center: Point, change: Change) -> String {
    format!(
        "<circle class=\"sign-{}\" cx=\"{}\" cy=\"{}\" r=\"8.5\"/>\
         <text class=\"sign\" x=\"{}\" y=\"{}\">{}</text>",
        style::change_class(change),
        format_number(center.x),
        format_number(center.y),
        format_number(center.x),
        format_number(center.y + 4.5),
        style::change_sign(change)
    )
}
