//! Ports: the points at which edges leave and enter vertices; and the paths of edges from port to
//! port.

use super::{
    Point, Rect,
    order::{Grid, to_f64},
};

/// The distance of two ports side by side, at most.
const PORT_GAP: f64 = 18.0;
/// The part of a vertex's width that has ports.
const PORT_SHARE: f64 = 0.7;

/// For each edge, how far right of the centers of its vertices it begins and ends.
pub(super) struct Ports {
    pub(super) exit_offsets: Vec<f64>,
    pub(super) entry_offsets: Vec<f64>,
}

impl Ports {
    /// The ports of a vertex stand in the order of the other ends of their edges.
    pub(super) fn new(grid: &Grid) -> Self {
        let count = grid.chains.len();
        let mut ports = Self { exit_offsets: vec![0.0; count], entry_offsets: vec![0.0; count] };
        let positions = grid.row_positions();
        for (vertex, item) in grid.items.iter().enumerate().filter(|(_, item)| !item.is_bend) {
            let exits = edges_at(grid, vertex, first_two, &positions);
            spread_ports(item.size.width, exits, &mut ports.exit_offsets);
            let entries = edges_at(grid, vertex, last_two, &positions);
            spread_ports(item.size.width, entries, &mut ports.entry_offsets);
        }
        ports
    }
}

fn first_two(chain: &[usize]) -> Option<(usize, usize)> {
    Some((*chain.first()?, *chain.get(1)?))
}

fn last_two(chain: &[usize]) -> Option<(usize, usize)> {
    Some((*chain.last()?, *chain.iter().nth_back(1)?))
}

/// The edges that leave or enter `vertex`, in the order of the items that they lead to. `end` gives
/// the vertex at one end of a chain, and the item beside it.
fn edges_at(
    grid: &Grid,
    vertex: usize,
    end: fn(&[usize]) -> Option<(usize, usize)>,
    positions: &[usize],
) -> Vec<usize> {
    let ends = grid.chains.iter().enumerate();
    let mut edges: Vec<_> = ends
        .filter_map(|(edge, chain)| {
            let (at, next) = end(chain)?;
            (at == vertex).then_some((edge, next))
        })
        .collect();
    edges.sort_by_key(|(_, next)| positions[*next]);
    edges.into_iter().map(|(edge, _)| edge).collect()
}

fn spread_ports(width: f64, edges: Vec<usize>, offsets: &mut [f64]) {
    let gaps = to_f64(edges.len().saturating_sub(1));
    let gap = if gaps > 0.0 { (width * PORT_SHARE / gaps).min(PORT_GAP) } else { 0.0 };
    for (index, edge) in edges.into_iter().enumerate() {
        offsets[edge] = (to_f64(index) - gaps / 2.0) * gap;
    }
}

/// For each edge its points, from above. `x` is the center of each item, `y` the upper edge and the
/// height of each row.
pub(super) fn edge_paths(
    grid: &Grid,
    ports: &Ports,
    places: &[Rect],
    x: &[f64],
    y: &[(f64, f64)],
) -> Vec<Vec<Point>> {
    let mut paths = vec![];
    for (edge, chain) in grid.chains.iter().enumerate() {
        let mut path = vec![];
        if let [upper, bends @ .., lower] = chain.as_slice() {
            let (exit, entry) = (ports.exit_offsets[edge], ports.entry_offsets[edge]);
            path.push(Point { x: x[*upper] + exit, y: places[*upper].bottom() });
            for bend in bends {
                // Straight through the row of the bend.
                let (top, height) = y[grid.items[*bend].row];
                path.extend([top, top + height].map(|y| Point { x: x[*bend], y }));
            }
            path.push(Point { x: x[*lower] + entry, y: places[*lower].corner.y });
        }
        paths.push(path);
    }
    paths
}
