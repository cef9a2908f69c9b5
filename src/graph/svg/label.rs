//! What stands on edges, placed where it covers nothing.

use super::{
    arrows::along,
    style,
    text::{self, escaped, number},
};
use crate::graph::{
    compare::Change,
    layout::{Layout, Point, Rect, Size},
    picture::{Arrow, Picture},
};
use crate::plan::EdgeKind;
use std::collections::{BTreeMap, BTreeSet};

const FONT: f64 = 10.5;
const HEIGHT: f64 = 14.0;
const WIDEST: f64 = 180.0;
/// Places along an edge that are looked at.
const MOST_PLACES: usize = 80;

/// Text on an edge.
pub(super) struct Label {
    pub(super) text: String,
    pub(super) place: Rect,
}

impl Label {
    pub(super) fn draw(&self) -> String {
        let Rect { corner, size } = self.place;
        let center = self.place.center();
        format!(
            "<rect class=\"halo\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"/>\
             <text class=\"label\" x=\"{}\" y=\"{}\">{}</text>",
            number(corner.x),
            number(corner.y),
            number(size.width),
            number(size.height),
            number(center.x),
            number(center.y + 3.8),
            escaped(&self.text)
        )
    }
}

/// A label for every edge that has something to say. Where there is no room, there is none.
/// None reaches over the edge of the picture, which is so `wide`.
pub(super) fn place(picture: &Picture, layout: &Layout, wide: f64) -> Vec<Label> {
    let ways: Vec<_> = layout.ways.iter().map(|way| along(way)).collect();
    let squares = Squares::new(&ways);
    let mut taken: Vec<Rect> = layout.places.iter().map(grown).collect();
    let tall = f64::MAX / 4.0;
    taken.extend(
        [0.0, wide].map(|x| Rect::around(Point { x, y: 0.0 }, Size { width: 4.0, height: tall })),
    );
    let mut labels = vec![];
    for (edge, arrow) in picture.arrows.iter().enumerate() {
        let Some(text) = text(arrow, picture.compared) else { continue };
        let size = Size { width: text::width(&text, FONT, false) + 6.0, height: HEIGHT };
        if let Some(place) = best(size, (edge, &ways[edge]), &squares, &taken) {
            taken.push(place);
            labels.push(Label { text, place });
        }
    }
    labels
}

/// A component, its badge and the cards below it.
fn grown(place: &Rect) -> Rect {
    let corner = Point { x: place.corner.x - 7.0, y: place.corner.y - 7.0 };
    let size = Size { width: place.size.width + 16.0, height: place.size.height + 16.0 };
    Rect { corner, size }
}

fn text(arrow: &Arrow, compared: bool) -> Option<String> {
    let said = match (arrow.kind, &arrow.label) {
        (EdgeKind::Migrates, Some(collections)) => format!("takes over {collections}"),
        (_, Some(label)) => label.clone(),
        (_, None) if compared && arrow.change != Change::Stays => String::new(),
        (_, None) => return None,
    };
    let sign = if compared { style::sign(arrow.change) } else { "" };
    let text = format!("{sign} {said}").trim().to_owned();
    (!text.is_empty()).then(|| text::cut(&text, FONT, WIDEST))
}

/// The place along the edge, or right beside it, that is free and covers the least of other edges;
/// the nearer to the middle the better.
fn best(
    size: Size,
    (edge, way): (usize, &[Point]),
    squares: &Squares,
    taken: &[Rect],
) -> Option<Rect> {
    let beside = size.width / 2.0 + 5.0;
    let at =
        |point: &Point, aside: f64| Rect::around(Point { x: point.x + aside, y: point.y }, size);
    let middle = way.len() / 2;
    let cost = |place: &Rect, index: usize, extra: usize| {
        squares.covered(place, edge) * 1000 + index.abs_diff(middle) + extra
    };
    let step = way.len() / MOST_PLACES + 1;
    let places = way.iter().enumerate().step_by(step).flat_map(|(index, point)| {
        [(0.0, 0), (beside, 4), (-beside, 4)].map(|(aside, extra)| (at(point, aside), index, extra))
    });
    let free = places.filter(|(place, ..)| !taken.iter().any(|other| other.touches(place)));
    let best = free.min_by_key(|(place, index, extra)| cost(place, *index, *extra));
    best.map(|(place, ..)| place)
}

/// Which edges cross each square of the picture.
struct Squares(BTreeMap<(i64, i64), BTreeSet<usize>>);

impl Squares {
    const SIDE: f64 = 14.0;

    fn new(ways: &[Vec<Point>]) -> Self {
        let mut squares: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (edge, way) in ways.iter().enumerate() {
            for point in way {
                squares.entry(Self::of(point.x, point.y)).or_default().insert(edge);
            }
        }
        Self(squares)
    }

    fn of(x: f64, y: f64) -> (i64, i64) {
        ((x / Self::SIDE).floor() as i64, (y / Self::SIDE).floor() as i64)
    }

    /// How much of other edges than `edge` is in the squares that `place` touches.
    fn covered(&self, place: &Rect, edge: usize) -> usize {
        let Rect { corner, size } = place;
        let (left, top) = Self::of(corner.x, corner.y);
        let (right, bottom) = Self::of(corner.x + size.width, corner.y + size.height);
        let squares = (left..=right).flat_map(|x| (top..=bottom).map(move |y| (x, y)));
        let edges = squares.filter_map(|square| self.0.get(&square));
        edges.map(|edges| edges.iter().filter(|other| **other != edge).count()).sum()
    }
}
