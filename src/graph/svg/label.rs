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

const FONT: f64 = 10.5;
const HEIGHT: f64 = 14.0;
const WIDEST: f64 = 180.0;

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
pub(super) fn place(picture: &Picture, layout: &Layout) -> Vec<Label> {
    let ways: Vec<_> = layout.ways.iter().map(|way| along(way)).collect();
    let mut taken: Vec<Rect> = layout.places.iter().map(grown).collect();
    let mut labels = vec![];
    for (edge, arrow) in picture.arrows.iter().enumerate() {
        let Some(text) = text(arrow, picture.compared) else { continue };
        let size = Size { width: text::width(&text, FONT, false) + 6.0, height: HEIGHT };
        if let Some(place) = best(size, edge, &ways, &taken) {
            taken.push(place);
            labels.push(Label { text, place });
        }
    }
    labels
}

/// A node, its badge and the cards below it.
fn grown(place: &Rect) -> Rect {
    let corner = Point { x: place.corner.x - 7.0, y: place.corner.y - 7.0 };
    let size = Size { width: place.size.width + 16.0, height: place.size.height + 16.0 };
    Rect { corner, size }
}

fn text(arrow: &Arrow, compared: bool) -> Option<String> {
    let said = match (arrow.kind, &arrow.label) {
        (EdgeKind::TakesOver, Some(kinds)) => format!("takes over {kinds}"),
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
fn best(size: Size, edge: usize, ways: &[Vec<Point>], taken: &[Rect]) -> Option<Rect> {
    let way = &ways[edge];
    let beside = size.width / 2.0 + 5.0;
    let at =
        |point: &Point, aside: f64| Rect::around(Point { x: point.x + aside, y: point.y }, size);
    let middle = way.len() / 2;
    let cost = |place: &Rect, index: usize| {
        let others = ways.iter().enumerate().filter(|(other, _)| *other != edge);
        let covered = others.flat_map(|(_, way)| way).filter(|p| place.contains(**p)).count();
        covered * 1000 + index.abs_diff(middle)
    };
    let places = way.iter().enumerate().flat_map(|(index, point)| {
        [(0.0, 0), (beside, 4), (-beside, 4)].map(|(aside, extra)| (at(point, aside), index, extra))
    });
    let free = places.filter(|(place, ..)| !taken.iter().any(|other| other.touches(place)));
    let best = free.min_by_key(|(place, index, extra)| cost(place, *index) + extra);
    best.map(|(place, ..)| place)
}
