//! Where the components of a picture stand and which way its edges run: in rows, with few crossings,
//! none of them across a component.
//!
//! The steps are Sugiyama's. Rows: the longest way from above decides. Order: each row is sorted by
//! where its neighbours stand. Places: all edges are drawn taut, which is a convex problem that is
//! solved row by row.

mod coordinates;
mod geometry;
mod order;
mod ports;
mod rows;

pub(super) use geometry::{Extent, Point, Rect};

use order::Grid;
use ports::Ports;

/// What is to be laid out. Components are named by their indices.
pub(super) struct LayoutInput<'a> {
    pub(super) sizes: &'a [Extent],
    /// From, to. No edge from a component to itself has a way of its own.
    pub(super) edges: &'a [(usize, usize)],
    /// Components that stand above all others.
    pub(super) top: &'a [usize],
    /// Components that stand below all others.
    pub(super) bottom: &'a [usize],
}

/// Where everything is. The left upper corner is at 0, 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) places: Vec<Rect>,
    /// For each edge the points that it runs through, from its beginning to its end; none for one
    /// from a component to itself. Between two points it may bend, and never leaves the gap between
    /// their rows.
    pub(super) paths: Vec<Vec<Point>>,
    pub(super) size: Extent,
}

/// Between two rows, at least.
const ROW_GAP: f64 = 52.0;
/// More of it for every edge that crosses the gap, up to a limit.
const ROW_GAP_PER_EDGE: f64 = 2.5;
const MAX_COUNTED_EDGES: usize = 40;

/// Lays out `task`.
pub(super) fn lay_out(task: &LayoutInput<'_>) -> Layout {
    let down = rows::remove_cycles(task.sizes.len(), task.edges);
    let rows = rows::assign_rows(task.sizes.len(), &down, task.top, task.bottom);
    let mut grid = Grid::new(task.sizes, &rows, &down);
    grid.reduce_crossings();
    let ports = Ports::new(&grid);
    let x = coordinates::item_centers(&grid, &ports);
    let y = row_extents(&grid);
    let places: Vec<_> = task
        .sizes
        .iter()
        .enumerate()
        .map(|(component, size)| {
            let (top, height) = y[rows[component]];
            let corner =
                Point { x: x[component] - size.width / 2.0, y: top + (height - size.height) / 2.0 };
            Rect { corner, size: *size }
        })
        .collect();
    let ways = ports::edge_paths(&grid, &ports, &places, &x, &y);
    let turned =
        ways.into_iter().zip(task.edges.iter().zip(&down)).map(|(mut way, (edge, down))| {
            if edge != down {
                way.reverse();
            }
            way
        });
    shift_to_origin(Layout { paths: turned.collect(), places, size: Extent::default() })
}

/// Where each row begins, and its height.
fn row_extents(grid: &Grid) -> Vec<(f64, f64)> {
    let mut top = 0.0;
    let mut heights = vec![];
    for (row, items) in grid.rows.iter().enumerate() {
        let height = items.iter().map(|item| grid.items[*item].size.height).fold(0.0, f64::max);
        heights.push((top, height));
        let edges = grid.links.iter().filter(|(upper, _)| grid.items[*upper].row == row).count();
        let edges = u32::try_from(edges.min(MAX_COUNTED_EDGES)).unwrap_or(0);
        top += height + ROW_GAP + ROW_GAP_PER_EDGE * f64::from(edges);
    }
    heights
}

fn shift_to_origin(mut layout: Layout) -> Layout {
    let ways = layout.paths.iter().flatten();
    let left = layout.places.iter().map(|place| place.corner.x);
    let left = left.chain(ways.clone().map(|point| point.x)).fold(f64::INFINITY, f64::min);
    let right = layout.places.iter().map(|place| place.corner.x + place.size.width);
    let right = right.chain(ways.map(|point| point.x)).fold(f64::NEG_INFINITY, f64::max);
    if layout.places.is_empty() {
        return layout;
    }
    layout.places.iter_mut().for_each(|place| place.corner.x -= left);
    layout.paths.iter_mut().flatten().for_each(|point| point.x -= left);
    let bottom = layout.places.iter().map(|place| place.corner.y + place.size.height);
    layout.size = Extent { width: right - left, height: bottom.fold(0.0, f64::max) };
    layout
}

#[cfg(test)]
mod tests;
