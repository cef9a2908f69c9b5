//! Peers as a ring of circles, with a line between each two.

use super::{style, text::format_number};
use crate::graph::{
    compare::Change,
    layout::{Extent, Point, Rect},
    picture::{Picture, Vertex},
};

/// More peers than this are drawn as one box.
const MAX_PEERS: u32 = 12;
const PEER_RADIUS: f64 = 17.0;
/// The least distance of the centers of two peers.
const MIN_PEER_DISTANCE: f64 = 50.0;
const PADDING: f64 = 20.0;

fn peer_count(vertex: &Vertex) -> u32 {
    vertex.pods.0.max(vertex.pods.1)
}

/// Whether the peers are drawn one by one.
pub(super) fn can_draw(vertex: &Vertex) -> bool {
    (1..=MAX_PEERS).contains(&peer_count(vertex))
}

/// The distance of the centers of the peers from the center of the ring.
fn ring_radius(vertex: &Vertex) -> f64 {
    match peer_count(vertex) {
        1 => 0.0,
        count => (MIN_PEER_DISTANCE * f64::from(count) / std::f64::consts::TAU)
            .max(MIN_PEER_DISTANCE / 2.0 * 1.3),
    }
}

/// The size of the panel, which has a `text` of this size above the ring.
pub(super) fn panel_size(vertex: &Vertex, text: Extent) -> Extent {
    let across = 2.0 * (ring_radius(vertex) + PEER_RADIUS);
    Extent {
        width: across.max(text.width) + 2.0 * PADDING,
        height: text.height + across + 2.0 * PADDING,
    }
}

/// Draws the panel and the ring in it.
pub(super) fn draw(vertex: &Vertex, place: &Rect, picture: &Picture) -> String {
    let Rect { corner, size } = place;
    let panel = if picture.is_comparison { style::change_class(vertex.change) } else { "ring" };
    let mut drawn = format!(
        "<rect class=\"{panel}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"14\"/>",
        format_number(corner.x),
        format_number(corner.y),
        format_number(size.width),
        format_number(size.height)
    );
    let centers = peer_centers(vertex, place);
    drawn.push_str(&mesh_path(&centers));
    for (ordinal, center) in (0_u32..).zip(&centers) {
        let class = if picture.is_comparison {
            style::change_class(peer_change(vertex, ordinal))
        } else {
            "peer"
        };
        drawn.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>\
             <text class=\"number\" x=\"{}\" y=\"{}\">{ordinal}</text>",
            format_number(center.x),
            format_number(center.y),
            format_number(PEER_RADIUS),
            format_number(center.x),
            format_number(center.y + 4.0)
        ));
    }
    drawn
}

/// The center of each peer; peer 0 is at the top.
fn peer_centers(vertex: &Vertex, place: &Rect) -> Vec<Point> {
    let (count, radius) = (peer_count(vertex), ring_radius(vertex));
    let (x, y) = (place.center().x, place.bottom() - PADDING + 4.0 - PEER_RADIUS - radius);
    (0..count)
        .map(|ordinal| {
            let angle = std::f64::consts::TAU * f64::from(ordinal) / f64::from(count);
            Point { x: x + radius * angle.sin(), y: y - radius * angle.cos() }
        })
        .collect()
}

fn mesh_path(centers: &[Point]) -> String {
    let mut lines = vec![];
    for (index, one) in centers.iter().enumerate() {
        for other in &centers[index + 1..] {
            let [a, b, c, d] = [one.x, one.y, other.x, other.y].map(format_number);
            lines.push(format!("M{a} {b} L{c} {d}"));
        }
    }
    format!("<path class=\"mesh\" d=\"{}\"/>", lines.join(" "))
}

fn peer_change(vertex: &Vertex, ordinal: u32) -> Change {
    match (ordinal < vertex.pods.0, ordinal < vertex.pods.1) {
        (true, false) => Change::Goes,
        (false, _) => Change::Comes,
        (true, true) => Change::Stays,
    }
}
