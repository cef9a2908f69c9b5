//! The labels of edges, placed where they cover nothing.

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
/// How many points of an edge are tried as the place of its label.
const MAX_CANDIDATES: usize = 80;

/// A text and its place.
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

/// The labels of all edges that have one. A label without free room is left out. No label crosses
/// the border of the picture, whose width is `picture_width`.
pub(super) fn place_labels(
    picture: &Picture,
    layout: &Layout,
    picture_width: f64,
) -> Vec<EdgeLabel> {
    let paths: Vec<_> = layout.paths.iter().map(|path| sample_points(path)).collect();
    let squares = EdgeSquares::new(&paths);
    let mut taken: Vec<Rect> = layout.places.iter().map(padded).collect();
    // The left and the right border of the picture are taken too.
    let border = Extent { width: 4.0, height: f64::MAX / 4.0 };
    taken.extend([0.0, picture_width].map(|x| Rect::centered_at(Point { x, y: 0.0 }, border)));
    let mut labels = vec![];
    for (edge, arrow) in picture.arrows.iter().enumerate() {
        let Some(text) = label_text(arrow, picture.is_comparison) else { continue };
        let size =
            Extent { width: text::text_width(&text, FONT_SIZE, false) + 6.0, height: HEIGHT };
        if let Some(place) = best_place(size, (edge, &paths[edge]), &squares, &taken) {
            taken.push(place);
            labels.push(EdgeLabel { text, place });
        }
    }
    labels
}

/// The place of a component with its badge and the cards below it.
fn padded(place: &Rect) -> Rect {
    let corner = Point { x: place.corner.x - 7.0, y: place.corner.y - 7.0 };
    let size = Extent { width: place.size.width + 16.0, height: place.size.height + 16.0 };
    Rect { corner, size }
}

fn label_text(arrow: &Arrow, is_comparison: bool) -> Option<String> {
    let label = match (arrow.kind, &arrow.label) {
        (EdgeKind::Migrates, Some(collections)) => format!("migrates {collections}"),
        (_, Some(label)) => label.clone(),
        (_, None) if is_comparison && arrow.change != Change::Stays => String::new(),
        (_, None) => return None,
    };
    let sign = if is_comparison { style::change_sign(arrow.change) } else { "" };
    let text = format!("{sign} {label}").trim().to_owned();
    (!text.is_empty()).then(|| text::cut_to_width(&text, FONT_SIZE, MAX_WIDTH))
}

/// The free place on the edge, or right beside it, that covers the least of other edges. Among
/// equal places it is the one nearest to the middle of the edge.
fn best_place(
    size: Extent,
    (edge, path): (usize, &[Point]),
    squares: &EdgeSquares,
    taken: &[Rect],
) -> Option<Rect> {
    let beside = size.width / 2.0 + 5.0;
    let middle = path.len() / 2;
    let step = path.len() / MAX_CANDIDATES + 1;
    path.iter()
        .enumerate()
        .step_by(step)
        .flat_map(|(index, point)| {
            // A place beside the edge costs as much as 4 points more from its middle.
            [(0.0, 0), (beside, 4), (-beside, 4)].map(|(aside, extra_cost)| {
                let center = Point { x: point.x + aside, y: point.y };
                (Rect::centered_at(center, size), index.abs_diff(middle) + extra_cost)
            })
        })
        .filter(|(place, _)| !taken.iter().any(|other| other.overlaps(place)))
        .min_by_key(|(place, cost)| squares.count_covered(place, edge) * 1000 + cost)
        .map(|(place, _)| place)
}

/// The edges that cross each square of the picture.
struct EdgeSquares(BTreeMap<(i64, i64), BTreeSet<usize>>);

impl EdgeSquares {
    const SIDE: f64 = 14.0;

    fn new(paths: &[Vec<Point>]) -> Self {
        let mut squares: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (edge, path) in paths.iter().enumerate() {
            for point in path {
                squares.entry(Self::square_at(point.x, point.y)).or_default().insert(edge);
            }
        }
        Self(squares)
    }

    fn square_at(x: f64, y: f64) -> (i64, i64) {
        ((x / Self::SIDE).floor() as i64, (y / Self::SIDE).floor() as i64)
    }

    /// How often edges other than `edge` cross the squares that `place` touches.
    fn count_covered(&self, place: &Rect, edge: usize) -> usize {
        let Rect { corner, size } = place;
        let (left, top) = Self::square_at(corner.x, corner.y);
        let (right, bottom) = Self::square_at(corner.x + size.width, corner.y + size.height);
        let squares = (left..=right).flat_map(|x| (top..=bottom).map(move |y| (x, y)));
        let edges = squares.filter_map(|square| self.0.get(&square));
        edges.map(|edges| edges.iter().filter(|other| **other != edge).count()).sum()
    }
}
