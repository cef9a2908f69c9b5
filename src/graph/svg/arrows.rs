//! Edges: curves between rows, and straight lines through a row.

use super::{style, text::format_number, vertices::LID_HEIGHT};
use crate::graph::{
    layout::{Layout, Point, Rect},
    picture::{Arrow, Picture},
};
use maquette_contract::Role;

/// An SVG path for each edge, except for edges from a component to itself.
pub(super) fn draw(picture: &Picture, layout: &Layout) -> Vec<String> {
    let arrows = picture.arrows.iter().zip(&layout.paths).filter(|(_, path)| path.len() > 1);
    arrows
        .map(|(arrow, path)| {
            let class = style::edge_class(arrow, picture.is_comparison);
            let data = path_data(&end_at_lid(picture, layout, arrow, path));
            format!("<path class=\"{class}\" marker-end=\"url(#{class}-head)\" d=\"{data}\"/>")
        })
        .collect()
}

/// The path of an edge. At a store it ends at the lid of the cylinder, which is round.
fn end_at_lid(picture: &Picture, layout: &Layout, arrow: &Arrow, path: &[Point]) -> Vec<Point> {
    let mut points = path.to_vec();
    let is_store = picture.vertices.get(arrow.to).is_some_and(|vertex| vertex.role == Role::Store);
    if let (true, Some(place), Some(end)) =
        (is_store, layout.places.get(arrow.to), points.last_mut())
    {
        end.y += lid_depth(place, end.x);
    }
    points
}

/// How far below its highest point the lid of the cylinder at `place` is at `x`.
fn lid_depth(place: &Rect, x: f64) -> f64 {
    let across = (x - place.center().x) / (place.size.width / 2.0);
    LID_HEIGHT * (1.0 - (1.0 - (across * across).min(1.0)).sqrt())
}

fn path_data(path: &[Point]) -> String {
    let first =
        path.first().map(|point| format!("M{} {}", format_number(point.x), format_number(point.y)));
    let parts = path.windows(2).map(|pair| {
        let [from, to] = [pair[0], pair[1]];
        if (from.x - to.x).abs() < 0.05 {
            return format!("V{}", format_number(to.y));
        }
        let middle = format_number((from.y + to.y) / 2.0);
        let [a, b, y] = [from.x, to.x, to.y].map(format_number);
        format!("C{a} {middle} {b} {middle} {b} {y}")
    });
    first.into_iter().chain(parts).collect::<Vec<_>>().join(" ")
}

/// Points that are close together all along a path, as it is drawn.
pub(super) fn sample_points(path: &[Point]) -> Vec<Point> {
    const STEPS: u32 = 24;
    let mut points = vec![];
    for pair in path.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        let middle = (from.y + to.y) / 2.0;
        points.extend((0..=STEPS).map(|step| {
            let t = f64::from(step) / f64::from(STEPS);
            Point {
                x: cubic_bezier([from.x, from.x, to.x, to.x], t),
                y: cubic_bezier([from.y, middle, middle, to.y], t),
            }
        }));
    }
    points
}

fn cubic_bezier([a, b, c, d]: [f64; 4], t: f64) -> f64 {
    let s = 1.0 - t;
    a * s * s * s + 3.0 * b * s * s * t + 3.0 * c * s * t * t + d * t * t * t
}
