//! Peers as a ring in which everyone talks to everyone.

use super::{style, text::number};
use crate::graph::{
    compare::Change,
    layout::{Point, Rect, Size},
    picture::{Picture, Vertex},
};

/// With more peers than that they are drawn as one component.
const MOST: u32 = 12;
const RADIUS: f64 = 17.0;
/// From the middle of one peer to that of the next, at least.
const STEP: f64 = 50.0;
const PADDING: f64 = 20.0;

fn count(vertex: &Vertex) -> u32 {
    vertex.pods.0.max(vertex.pods.1)
}

/// Whether the peers are drawn one by one.
pub(super) fn fits(vertex: &Vertex) -> bool {
    (1..=MOST).contains(&count(vertex))
}

/// From the middle of the ring to those of the peers.
fn radius(vertex: &Vertex) -> f64 {
    match count(vertex) {
        1 => 0.0,
        count => (STEP * f64::from(count) / std::f64::consts::TAU).max(STEP / 2.0 * 1.3),
    }
}

/// The size of the panel, with `text` above the ring.
pub(super) fn size(vertex: &Vertex, text: Size) -> Size {
    let across = 2.0 * (radius(vertex) + RADIUS);
    Size {
        width: across.max(text.width) + 2.0 * PADDING,
        height: text.height + across + 2.0 * PADDING,
    }
}

/// The panel and the ring in it.
pub(super) fn draw(vertex: &Vertex, place: &Rect, picture: &Picture) -> String {
    let Rect { corner, size } = place;
    let panel = if picture.compared { style::change(vertex.change) } else { "ring" };
    let mut drawn = format!(
        "<rect class=\"{panel}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"14\"/>",
        number(corner.x),
        number(corner.y),
        number(size.width),
        number(size.height)
    );
    let peers = peers(vertex, place);
    drawn.push_str(&mesh(&peers));
    for (ordinal, at) in (0_u32..).zip(&peers) {
        let class = if picture.compared { style::change(change(vertex, ordinal)) } else { "peer" };
        drawn.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>\
             <text class=\"number\" x=\"{}\" y=\"{}\">{ordinal}</text>",
            number(at.x),
            number(at.y),
            number(RADIUS),
            number(at.x),
            number(at.y + 4.0)
        ));
    }
    drawn
}

/// The middle of each peer; the first is at the top.
fn peers(vertex: &Vertex, place: &Rect) -> Vec<Point> {
    let (count, radius) = (count(vertex), radius(vertex));
    let (x, y) = (place.center().x, place.bottom() - PADDING + 4.0 - RADIUS - radius);
    let peer = |ordinal: u32| {
        let angle = std::f64::consts::TAU * f64::from(ordinal) / f64::from(count);
        Point { x: x + radius * angle.sin(), y: y - radius * angle.cos() }
    };
    (0..count).map(peer).collect()
}

fn mesh(peers: &[Point]) -> String {
    let pairs = peers.iter().enumerate();
    let pairs = pairs.flat_map(|(at, one)| peers[at + 1..].iter().map(move |other| (one, other)));
    let line = |(one, other): (&Point, &Point)| {
        let [a, b, c, d] = [one.x, one.y, other.x, other.y].map(number);
        format!("M{a} {b} L{c} {d}")
    };
    format!("<path class=\"mesh\" d=\"{}\"/>", pairs.map(line).collect::<Vec<_>>().join(" "))
}

/// What becomes of one of the peers.
fn change(vertex: &Vertex, ordinal: u32) -> Change {
    match (ordinal < vertex.pods.0, ordinal < vertex.pods.1) {
        (true, false) => Change::Goes,
        (false, _) => Change::Comes,
        (true, true) => Change::Stays,
    }
}
