//! Where items stand in their rows: so that all edges together are as straight as can be.
//!
//! The sum of the squares of how far edges lead sideways, long edges counting more, is least under
//! the order and the distances of the items of each row. That is convex; row by row, with the rest
//! held, it is solved exactly, and again until it hardly moves.

use super::{order::Grid, ports::Ports};

const ROUNDS: usize = 80;
/// Between two components; between a component and an edge that passes; between two such edges.
const MIN_GAPS: [f64; 3] = [30.0, 20.0, 12.0];
/// How much an edge between two components counts, one that bends at one end, and one at both.
const WEIGHTS: [f64; 3] = [1.0, 2.0, 30.0];

/// What pulls at an item.
#[derive(Clone, Copy)]
struct Pull {
    /// The item at the other end of an edge.
    to: usize,
    /// How much further to the right than that one this one would stand, were the edge straight.
    offset: f64,
    weight: f64,
}

/// The middle of each item.
pub(super) fn item_centers(grid: &Grid, ports: &Ports) -> Vec<f64> {
    let mut x = vec![0.0; grid.items.len()];
    for row in &grid.rows {
        let offsets = min_offsets(grid, row);
        let middle = offsets.last().copied().unwrap_or_default() / 2.0;
        row.iter().zip(offsets).for_each(|(item, offset)| x[*item] = offset - middle);
    }
    let pulls = edge_pulls(grid, ports);
    for round in 0..ROUNDS {
        for step in 0..grid.rows.len() {
            let row = if round % 2 == 0 { step } else { grid.rows.len() - 1 - step };
            optimize_row(grid, &grid.rows[row], &pulls, &mut x);
        }
    }
    x
}

/// How far the middle of each item of a row is from that of the first, at least.
fn min_offsets(grid: &Grid, row: &[usize]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = vec![];
    for (place, item) in row.iter().enumerate() {
        if let Some(left) = place.checked_sub(1).map(|left| &grid.items[row[left]]) {
            let item = &grid.items[*item];
            let bends = usize::from(left.is_bend) + usize::from(item.is_bend);
            offset += (left.size.width + item.size.width) / 2.0 + MIN_GAPS[bends];
        }
        offsets.push(offset);
    }
    offsets
}

fn edge_pulls(grid: &Grid, ports: &Ports) -> Vec<Vec<Pull>> {
    let mut pulls = vec![vec![]; grid.items.len()];
    for (edge, chain) in grid.chains.iter().enumerate() {
        for (at, pair) in chain.windows(2).enumerate() {
            let (upper, lower) = (pair[0], pair[1]);
            let bends = pair.iter().filter(|item| grid.items[**item].is_bend).count();
            let leaves = if at == 0 { ports.exit_offsets[edge] } else { 0.0 };
            let enters = if at + 2 == chain.len() { ports.entry_offsets[edge] } else { 0.0 };
            let (aside, weight) = (enters - leaves, WEIGHTS[bends]);
            pulls[upper].push(Pull { to: lower, offset: aside, weight });
            pulls[lower].push(Pull { to: upper, offset: -aside, weight });
        }
    }
    pulls
}

/// Moves the items of a row to the best places while all other rows stay.
fn optimize_row(grid: &Grid, row: &[usize], pulls: &[Vec<Pull>], x: &mut [f64]) {
    let offsets = min_offsets(grid, row);
    let wish = |(item, offset): (&usize, &f64)| {
        let pulls = &pulls[*item];
        let weight: f64 = pulls.iter().map(|pull| pull.weight).sum();
        let sum: f64 = pulls.iter().map(|pull| (x[pull.to] + pull.offset) * pull.weight).sum();
        // What nothing pulls stays where it is, and gives way.
        if pulls.is_empty() { (x[*item] - offset, 1e-3) } else { (sum / weight - offset, weight) }
    };
    let wishes: Vec<_> = row.iter().zip(&offsets).map(wish).collect();
    let places = isotonic_fit(&wishes);
    for ((item, offset), place) in row.iter().zip(&offsets).zip(places) {
        x[*item] = place + offset;
    }
}

/// The sequence that never falls and is nearest to the wished values by their weights: values out
/// of order are pooled.
fn isotonic_fit(wishes: &[(f64, f64)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = vec![];
    for &(value, weight) in wishes {
        let mut pool = (value, weight, 1);
        while let Some(&(before, before_weight, count)) = pools.last().filter(|p| p.0 > pool.0) {
            pools.pop();
            let weight = before_weight + pool.1;
            let value = (before * before_weight + pool.0 * pool.1) / weight;
            pool = (value, weight, count + pool.2);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(value, _, count)| std::iter::repeat_n(value, count)).collect()
}
