//! What stands on edges, placed where it covers nothing.

use super::{
    arrows::sample_points,
    style,
    text::{self, escape_xml, format_number},
};
use crate::graph::{
    compare::Change,
    layout::{Extent, Layout, Point, Rect},
    picture::{Arrow, Picture},
};
use crate::plan::EdgeKind;
use std::collections::{BTreeMap, BTreeSet};

const FONT_SIZE: f64 = 10.5;
const HEIGHT: f64 = 14.0;
const MAX_WIDTH: f64 = 180.0;
/// Places along an edge that are looked at.
const MAX_CANDIDATES: usize = 80;

/// Text on an edge.
pub(super) struct EdgeLabel {
    pub(super) text: String,
    pub(super) place: Rect,
}

impl EdgeLabel {
    pub(super) fn draw(&self) -> String {
        let Rect { corner, size } = self.place;
        let center = self.place.center();
        format!(
            "<rect class=\"halo\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"/>\
             <text class=\"label\" x=\"{}\" y=\"{}\">{}</text>",
            format_number(corner.x),
            format_number(corner.y),
            format_number(size.width),
            format_number(size.height),
            format_number(center.x),
            format_number(center.y + 3.8),
            escape_xml(&self.text)
        )
    }
}

/// A label for every edge that has something to say. Where there is no room, there is none.
/// None reaches over the edge of the picture, which is so `wide`.
pub(super) fn place_labels(picture: &Picture, layout: &Layout, wide: f64) -> Vec<EdgeLabel> {
    let ways: Vec<_> = layout.paths.iter().map(|way| sample_points(way)).collect();
    let squares = EdgeSquares::new(&ways);
    let mut taken: Vec<Rect> = layout.places.iter().map(padded).collect();
    let tall = f64::MAX / 4.0;
    taken.extend(
        [0.0, wide]
            .map(|x| Rect::centered_at(Point { x, y: 0.0 }, Extent { width: 4.0, height: tall })),
    );
    let mut labels = vec![];
    for (edge, arrow) in picture.arrows.iter().enumerate() {
        let Some(text) = label_text(arrow, picture.is_comparison) else { continue };
        let size =
            Extent { width: text::text_width(&text, FONT_SIZE, false) + 6.0, height: HEIGHT };
        if let Some(place) = best_place(size, (edge, &ways[edge]), &squares, &taken) {
            taken.push(place);
            labels.push(EdgeLabel { text, place });
        }
    }
    labels
}

/// A component, its badge and the cards below it.
fn padded(place: &Rect) -> Rect {
    let corner = Point { x: place.corner.x - 7.0, y: place.corner.y - 7.0 };
    let size = Extent { width: place.size.width + 16.0, height: place.size.height + 16.0 };
    Rect { corner, size }
}

fn label_text(arrow: &Arrow, compared: bool) -> Option<String> {
    let said = match (arrow.kind, &arrow.label) {
        (EdgeKind::Migrates, Some(collections)) => format!("takes over {collections}"),
        (_, Some(label)) => label.clone(),
        (_, None) if compared && arrow.change != Change::Stays => String::new(),
        (_, None) => return None,
    };
    let sign = if compared { style::change_sign(arrow.change) } else { "" };
    let text = format!("{sign} {said}").trim().to_owned();
    (!text.is_empty()).then(|| text::cut_to_width(&text, FONT_SIZE, MAX_WIDTH))
}

/// The place along the edge, or right beside it, that is free and covers the least of other edges;
/// the nearer to the middle the better.
fn best_place(
    size: Extent,
    (edge, way): (usize, &[Point]),
    squares: &EdgeSquares,
    taken: &[Rect],
) -> Option<Rect> {
    let beside = size.width / 2.0 + 5.0;
    let at = |point: &Point, aside: f64| {
        Rect::centered_at(Point { x: point.x + aside, y: point.y }, size)
    };
    let middle = way.len() / 2;
    let cost = |place: &Rect, index: usize, extra: usize| {
        squares.count_covered(place, edge) * 1000 + index.abs_diff(middle) + extra
    };
    let step = way.len() / MAX_CANDIDATES + 1;
    let places = way.iter().enumerate().step_by(step).flat_map(|(index, point)| {
        [(0.0, 0), (beside, 4), (-beside, 4)].map(|(aside, extra)| (at(point, aside), index, extra))
    });
    let free = places.filter(|(place, ..)| !taken.iter().any(|other| other.overlaps(place)));
    let best = free.min_by_key(|(place, index, extra)| cost(place, *index, *extra));
    best.map(|(place, ..)| place)
}

/// Which edges cross each square of the picture.
struct EdgeSquares(BTreeMap<(i64, i64), BTreeSet<usize>>);

impl EdgeSquares {
    const SIDE: f64 = 14.0;

    fn new(ways: &[Vec<Point>]) -> Self {
        let mut squares: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (edge, way) in ways.iter().enumerate() {
            for point in way {
                squares.entry(Self::square_at(point.x, point.y)).or_default().insert(edge);
            }
        }
        Self(squares)
    }

    fn square_at(x: f64, y: f64) -> (i64, i64) {
        ((x / Self::SIDE).floor() as i64, (y / Self::SIDE).floor() as i64)
    }

    /// How much of other edges than `edge` is in the squares that `place` touches.
    fn count_covered(&self, place: &Rect, edge: usize) -> usize {
        let Rect { corner, size } = place;
        let (left, top) = Self::square_at(corner.x, corner.y);
        let (right, bottom) = Self::square_at(corner.x + size.width, corner.y + size.height);
        let squares = (left..=right).flat_map(|x| (top..=bottom).map(move |y| (x, y)));
        let edges = squares.filter_map(|square| self.0.get(&square));
        edges.map(|edges| edges.iter().filter(|other| **other != edge).count()).sum()
    }
}
