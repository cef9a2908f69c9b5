//! Positions of components and paths of edges: components in rows, few crossings, and no edge across
//! a component. It never depends on how anything is drawn.
//!
//! The steps of a layered layout (Sugiyama): [`rows`] assigns layers, from the longest path from
//! above. [`order`] reduces crossings: it sorts each row by the positions of its neighbours.
//! [`coordinates`] makes all edges together as straight as possible, a convex problem that it solves
//! row by row. [`ports`] draws the paths.

mod coordinates;
mod geometry;
mod order;
mod ports;
mod rows;

pub(super) use geometry::{Extent, Point, Rect};

use order::Grid;
use ports::Ports;

/// A graph whose vertices are named by their indices.
pub(super) struct LayoutInput<'a> {
    pub(super) sizes: &'a [Extent],
    /// Pairs of from and to. An edge from a vertex to itself is not drawn.
    pub(super) edges: &'a [(usize, usize)],
    /// Vertices that stand in the first row.
    pub(super) top: &'a [usize],
    /// Vertices that stand in the last row.
    pub(super) bottom: &'a [usize],
}

/// The upper left corner is at 0, 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The place of each vertex.
    pub(super) places: Vec<Rect>,
    /// For each edge its points, from its beginning to its end; empty for an edge from a vertex to
    /// itself. The line between two points may be curved, but stays in the gap between their rows.
    pub(super) paths: Vec<Vec<Point>>,
    pub(super) size: Extent,
}

/// The least distance of two rows.
const ROW_GAP: f64 = 52.0;
/// The distance grows by this for each edge in the gap, up to [`MAX_COUNTED_EDGES`].
const ROW_GAP_PER_EDGE: f64 = 2.5;
const MAX_COUNTED_EDGES: usize = 40;

pub(super) fn lay_out(input: &LayoutInput<'_>) -> Layout {
    let downward = rows::remove_cycles(input.sizes.len(), input.edges);
    let rows = rows::assign_rows(input.sizes.len(), &downward, input.top, input.bottom);
    let mut grid = Grid::new(input.sizes, &rows, &downward);
    grid.reduce_crossings();
    let ports = Ports::new(&grid);
    let x = coordinates::item_centers(&grid, &ports);
    let y = row_extents(&grid);
    let places: Vec<_> = input
        .sizes
        .iter()
        .enumerate()
        .map(|(vertex, size)| {
            let (top, height) = y[rows[vertex]];
            let corner =
                Point { x: x[vertex] - size.width / 2.0, y: top + (height - size.height) / 2.0 };
            Rect { corner, size: *size }
        })
        .collect();
    let mut paths = ports::edge_paths(&grid, &ports, &places, &x, &y);
    for (path, (edge, downward)) in paths.iter_mut().zip(input.edges.iter().zip(&downward)) {
        if edge != downward {
            path.reverse();
        }
    }
    shift_to_origin(Layout { paths, places, size: Extent::default() })
}

/// The upper edge and the height of each row.
fn row_extents(grid: &Grid) -> Vec<(f64, f64)> {
    let mut top = 0.0;
    let mut extents = vec![];
    for (row, items) in grid.rows.iter().enumerate() {
        let height = items.iter().map(|item| grid.items[*item].size.height).fold(0.0, f64::max);
        extents.push((top, height));
        let links = grid.links.iter().filter(|(upper, _)| grid.items[*upper].row == row).count();
        let counted = u32::try_from(links.min(MAX_COUNTED_EDGES)).unwrap_or(0);
        top += height + ROW_GAP + ROW_GAP_PER_EDGE * f64::from(counted);
    }
    extents
}

fn shift_to_origin(mut layout: Layout) -> Layout {
    if layout.places.is_empty() {
        return layout;
    }
    let bends = layout.paths.iter().flatten().map(|point| point.x);
    let left_edges = layout.places.iter().map(|place| place.corner.x);
    let left = left_edges.chain(bends.clone()).fold(f64::INFINITY, f64::min);
    let right_edges = layout.places.iter().map(Rect::right);
    let right = right_edges.chain(bends).fold(f64::NEG_INFINITY, f64::max);
    layout.places.iter_mut().for_each(|place| place.corner.x -= left);
    layout.paths.iter_mut().flatten().for_each(|point| point.x -= left);
    let height = layout.places.iter().map(Rect::bottom).fold(0.0, f64::max);
    layout.size = Extent { width: right - left, height };
    layout
}

#[cfg(test)]
mod tests;
