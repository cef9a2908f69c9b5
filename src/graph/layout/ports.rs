//! Where edges leave and enter components, and the points that they run through.

use super::{
    Point, Rect,
    order::{Grid, to_f64},
};

/// Between two edges that leave or enter a component side by side, at most.
const PORT_GAP: f64 = 18.0;
/// How much of a component's width edges leave and enter by.
const PORT_SHARE: f64 = 0.7;

/// How far from the middle of its components each edge begins and ends.
pub(super) struct Ports {
    pub(super) exit_offsets: Vec<f64>,
    pub(super) entry_offsets: Vec<f64>,
}

impl Ports {
    /// Edges leave and enter side by side in the order of where they lead.
    pub(super) fn new(grid: &Grid) -> Self {
        let count = grid.chains.len();
        let mut ports = Self { exit_offsets: vec![0.0; count], entry_offsets: vec![0.0; count] };
        let places = grid.row_positions();
        let leaving = |chain: &[usize]| Some((*chain.first()?, *chain.get(1)?));
        let entering = |chain: &[usize]| Some((*chain.last()?, *chain.iter().nth_back(1)?));
        for (component, item) in grid.items.iter().enumerate().filter(|(_, item)| !item.is_bend) {
            spread_ports(
                item.size.width,
                edges_at(grid, component, leaving, &places),
                &mut ports.exit_offsets,
            );
            spread_ports(
                item.size.width,
                edges_at(grid, component, entering, &places),
                &mut ports.entry_offsets,
            );
        }
        ports
    }
}

/// The edges that leave or enter `component`, in the order of where they lead.
fn edges_at(
    grid: &Grid,
    component: usize,
    end: impl Fn(&[usize]) -> Option<(usize, usize)>,
    places: &[usize],
) -> Vec<usize> {
    let ends = grid.chains.iter().enumerate();
    let ends = ends.filter_map(|(edge, chain)| Some((edge, end(chain)?)));
    let mut ends: Vec<_> = ends.filter(|(_, (at, _))| *at == component).collect();
    ends.sort_by_key(|(_, (_, next))| places[*next]);
    ends.into_iter().map(|(edge, _)| edge).collect()
}

fn spread_ports(width: f64, edges: Vec<usize>, ports: &mut [f64]) {
    let gaps = to_f64(edges.len().saturating_sub(1));
    let gap = if gaps > 0.0 { (width * PORT_SHARE / gaps).min(PORT_GAP) } else { 0.0 };
    for (index, edge) in edges.into_iter().enumerate() {
        ports[edge] = (to_f64(index) - gaps / 2.0) * gap;
    }
}

/// For each edge the points that it runs through, from above. `x` is the middle of each item, `y`
/// the beginning and the height of each row.
pub(super) fn edge_paths(
    grid: &Grid,
    ports: &Ports,
    places: &[Rect],
    x: &[f64],
    y: &[(f64, f64)],
) -> Vec<Vec<Point>> {
    let way = |(edge, chain): (usize, &Vec<usize>)| {
        let (Some(&upper), Some(&lower)) = (chain.first(), chain.last()) else { return vec![] };
        let begin = Point { x: x[upper] + ports.exit_offsets[edge], y: places[upper].bottom() };
        let end = Point { x: x[lower] + ports.entry_offsets[edge], y: places[lower].corner.y };
        let bends = chain[1..chain.len() - 1].iter().flat_map(|bend| {
            let (top, height) = y[grid.items[*bend].row];
            [top, top + height].map(|y| Point { x: x[*bend], y })
        });
        [begin].into_iter().chain(bends).chain([end]).collect()
    };
    grid.chains.iter().enumerate().map(way).collect()
}
