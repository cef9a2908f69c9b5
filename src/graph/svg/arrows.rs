//! Edges: smooth lines between rows, straight past what stands in a row.

use super::{style, text::format_number, vertices::LID_HEIGHT};
use crate::graph::{
    layout::{Layout, Point, Rect},
    picture::{Arrow, Picture},
};
use maquette_contract::Role;

/// All edges.
pub(super) fn draw(picture: &Picture, layout: &Layout) -> Vec<String> {
    let arrows = picture.arrows.iter().zip(&layout.paths).filter(|(_, way)| way.len() > 1);
    let draw = |(arrow, way): (&Arrow, &Vec<Point>)| {
        let class = style::edge_class(arrow, picture.is_comparison);
        let path = path_data(&end_at_lid(picture, layout, arrow, way));
        format!("<path class=\"{class}\" marker-end=\"url(#{class}-head)\" d=\"{path}\"/>")
    };
    arrows.map(draw).collect()
}

/// `way`, up to the lid of a cylinder, which is round.
fn end_at_lid(picture: &Picture, layout: &Layout, arrow: &Arrow, way: &[Point]) -> Vec<Point> {
    let mut way = way.to_vec();
    let round = picture.vertices.get(arrow.to).is_some_and(|vertex| vertex.role == Role::Store);
    if let (true, Some(place), Some(end)) = (round, layout.places.get(arrow.to), way.last_mut()) {
        end.y += lid_depth(place, end.x);
    }
    way
}

/// How far the lid of the cylinder at `place` is below its highest point.
fn lid_depth(place: &Rect, x: f64) -> f64 {
    let across = (x - place.center().x) / (place.size.width / 2.0);
    LID_HEIGHT * (1.0 - (1.0 - (across * across).min(1.0)).sqrt())
}

fn path_data(way: &[Point]) -> String {
    let first =
        way.first().map(|point| format!("M{} {}", format_number(point.x), format_number(point.y)));
    let parts = way.windows(2).map(|pair| {
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

/// Points all along a way.
pub(super) fn sample_points(way: &[Point]) -> Vec<Point> {
    const PARTS: u32 = 24;
    let part = |pair: &[Point]| {
        let [from, to] = [pair[0], pair[1]];
        let middle = (from.y + to.y) / 2.0;
        let point = move |step: u32| {
            let t = f64::from(step) / f64::from(PARTS);
            let cubic = |a: f64, b: f64, c: f64, d: f64| {
                let s = 1.0 - t;
                a * s * s * s + 3.0 * b * s * s * t + 3.0 * c * s * t * t + d * t * t * t
            };
            Point { x: cubic(from.x, from.x, to.x, to.x), y: cubic(from.y, middle, middle, to.y) }
        };
        (0..=PARTS).map(point).collect::<Vec<_>>()
    };
    way.windows(2).flat_map(part).collect()
}
