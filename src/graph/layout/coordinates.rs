//! The horizontal positions of items in their rows: all edges together are as straight as possible.
//!
//! Minimizes the weighted sum of the squares of how far edges lead sideways, under the order and
//! the distances of the items of each row. That is a convex problem. Each row is solved exactly
//! while all other rows stay; after [`ROUNDS`] rounds hardly anything moves.

use super::{order::Grid, ports::Ports};

const ROUNDS: usize = 80;
/// The distance between two vertices; between a vertex and a bend; between two bends.
const MIN_GAPS: [f64; 3] = [30.0, 20.0, 12.0];
/// The weight of a link between two vertices; between a vertex and a bend; between two bends.
const WEIGHTS: [f64; 3] = [1.0, 2.0, 30.0];

/// The best position of an item for one of its links.
#[derive(Clone, Copy)]
struct Pull {
    /// The item at the other end of the link.
    to: usize,
    /// How far to the right of that item this one stands if the link is straight.
    offset: f64,
    weight: f64,
}

/// The x of the center of each item.
pub(super) fn item_centers(grid: &Grid, ports: &Ports) -> Vec<f64> {
    let mut x = vec![0.0; grid.items.len()];
    for row in &grid.rows {
        let row_offsets = min_offsets(grid, row);
        let middle = row_offsets.last().copied().unwrap_or_default() / 2.0;
        row.iter().zip(row_offsets).for_each(|(item, offset)| x[*item] = offset - middle);
    }
    let item_pulls = edge_pulls(grid, ports);
    for round in 0..ROUNDS {
        for step in 0..grid.rows.len() {
            let row = if round % 2 == 0 { step } else { grid.rows.len() - 1 - step };
            optimize_row(grid, &grid.rows[row], &item_pulls, &mut x);
        }
    }
    x
}

/// The least distance of the center of each item of a row from that of the first item.
fn min_offsets(grid: &Grid, row: &[usize]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = vec![];
    for (position, item) in row.iter().enumerate() {
        if let Some(left) = position.checked_sub(1).map(|left| &grid.items[row[left]]) {
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
        for (index, pair) in chain.windows(2).enumerate() {
            let (upper, lower) = (pair[0], pair[1]);
            let bends = pair.iter().filter(|item| grid.items[**item].is_bend).count();
            let is_last = index + 2 == chain.len();
            let exit = if index == 0 { ports.exit_offsets[edge] } else { 0.0 };
            let entry = if is_last { ports.entry_offsets[edge] } else { 0.0 };
            let (offset, weight) = (entry - exit, WEIGHTS[bends]);
            pulls[upper].push(Pull { to: lower, offset, weight });
            pulls[lower].push(Pull { to: upper, offset: -offset, weight });
        }
    }
    pulls
}

/// Moves the items of a row to their best positions while all other rows stay.
fn optimize_row(grid: &Grid, row: &[usize], pulls: &[Vec<Pull>], x: &mut [f64]) {
    let row_offsets = min_offsets(grid, row);
    // Without its offset an item has only to stand no further left than the one before it.
    let wishes: Vec<_> = row
        .iter()
        .zip(&row_offsets)
        .map(|(item, offset)| {
            let (position, weight) = wished_position(*item, &pulls[*item], x);
            (position - offset, weight)
        })
        .collect();
    for ((item, offset), position) in row.iter().zip(&row_offsets).zip(isotonic_fit(&wishes)) {
        x[*item] = position + offset;
    }
}

/// Where an item would stand if it were alone in its row, and the weight of that.
fn wished_position(item: usize, pulls: &[Pull], x: &[f64]) -> (f64, f64) {
    if pulls.is_empty() {
        // An item without edges stays where it is, but makes room for others.
        return (x[item], 1e-3);
    }
    let weight: f64 = pulls.iter().map(|pull| pull.weight).sum();
    let sum: f64 = pulls.iter().map(|pull| (x[pull.to] + pull.offset) * pull.weight).sum();
    (sum / weight, weight)
}

/// The non-decreasing sequence that is nearest to the preferred values by their weights (isotonic
/// regression). Adjacent values that are out of order are pooled.
fn isotonic_fit(wishes: &[(f64, f64)]) -> Vec<f64> {
    // The value of each pool, its weight, and how many values it has.
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
