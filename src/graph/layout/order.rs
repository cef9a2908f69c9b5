//! Crossing reduction: the order of the vertices in their rows, so that few edges cross.

use super::Extent;

/// How often the rows are sorted, from above and from below by turns.
const SWEEPS: usize = 16;
/// How often neighbours in a row are swapped after a sweep.
const SWAP_ROUNDS: usize = 4;
/// An edge that crosses a row has a place of its own there, a bend (dummy vertex), of this size.
const BEND_SIZE: Extent = Extent { width: 2.0, height: 0.0 };

/// Vertices and the bends where long edges cross rows.
pub(super) struct Grid {
    /// The vertices, by index, and then the bends.
    pub(super) items: Vec<GridItem>,
    /// The items of each row, from the left.
    pub(super) rows: Vec<Vec<usize>>,
    /// Pairs of items in rows that follow each other, the upper first.
    pub(super) links: Vec<(usize, usize)>,
    /// For each edge its items, from above; empty for an edge from a vertex to itself.
    pub(super) chains: Vec<Vec<usize>>,
}

/// A vertex or a bend.
pub(super) struct GridItem {
    pub(super) row: usize,
    pub(super) size: Extent,
    pub(super) is_bend: bool,
}

/// For an item the items above it (0) and below it (1) that it has links with.
type Neighbours = [Vec<usize>; 2];

impl Grid {
    /// All edges must run downwards.
    pub(super) fn new(sizes: &[Extent], rows: &[usize], downward: &[(usize, usize)]) -> Self {
        let vertices = sizes.iter().zip(rows);
        let items = vertices.map(|(&size, &row)| GridItem { row, size, is_bend: false }).collect();
        let count = rows.iter().max().map_or(0, |last| last + 1);
        let mut grid = Self {
            items,
            rows: vec![vec![]; count],
            links: vec![],
            chains: vec![vec![]; downward.len()],
        };
        for (edge, &(from, to)) in downward.iter().enumerate().filter(|(_, (from, to))| from != to)
        {
            let mut chain = vec![from];
            for row in rows[from] + 1..rows[to] {
                chain.push(grid.items.len());
                grid.items.push(GridItem { row, size: BEND_SIZE, is_bend: true });
            }
            chain.push(to);
            grid.links.extend(chain.windows(2).map(|pair| (pair[0], pair[1])));
            grid.chains[edge] = chain;
        }
        for (index, item) in grid.items.iter().enumerate() {
            grid.rows[item.row].push(index);
        }
        grid
    }

    /// Reorders the rows. The result is the order with the fewest crossings that was tried.
    pub(super) fn reduce_crossings(&mut self) {
        let neighbours = self.item_neighbours();
        let mut best = (self.count_crossings(), self.rows.clone());
        for sweep in 0..SWEEPS {
            let upwards = sweep % 2 == 1;
            for step in 1..self.rows.len() {
                let row = if upwards { self.rows.len() - 1 - step } else { step };
                self.sort_row(row, &neighbours, upwards);
            }
            self.swap_neighbours(&neighbours);
            let crossings = self.count_crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn item_neighbours(&self) -> Vec<Neighbours> {
        let mut neighbours = vec![[vec![], vec![]]; self.items.len()];
        for &(upper, lower) in &self.links {
            neighbours[upper][1].push(lower);
            neighbours[lower][0].push(upper);
        }
        neighbours
    }

    /// The index of each item in its row.
    pub(super) fn row_positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.items.len()];
        for row in &self.rows {
            row.iter().enumerate().for_each(|(position, item)| positions[*item] = position);
        }
        positions
    }

    /// Sorts a row by the mean position of each item's neighbours in the row before it (barycenter
    /// heuristic). An item without neighbours counts with its own position.
    fn sort_row(&mut self, row: usize, neighbours: &[Neighbours], upwards: bool) {
        let positions = self.row_positions();
        let side = usize::from(upwards);
        self.rows[row].sort_by(|a, b| {
            let mean_a = mean_position(*a, &neighbours[*a][side], &positions);
            let mean_b = mean_position(*b, &neighbours[*b][side], &positions);
            mean_a.total_cmp(&mean_b)
        });
    }

    /// Swaps items that stand side by side as long as that reduces crossings.
    fn swap_neighbours(&mut self, neighbours: &[Neighbours]) {
        for _ in 0..SWAP_ROUNDS {
            let positions = self.row_positions();
            let mut swapped = false;
            for row in &mut self.rows {
                for index in 1..row.len() {
                    let (left, right) = (&neighbours[row[index - 1]], &neighbours[row[index]]);
                    let now = count_pair_crossings(left, right, &positions);
                    if count_pair_crossings(right, left, &positions) < now {
                        row.swap(index - 1, index);
                        swapped = true;
                    }
                }
            }
            if !swapped {
                return;
            }
        }
    }

    /// The number of pairs of edges that cross.
    pub(super) fn count_crossings(&self) -> usize {
        let positions = self.row_positions();
        let mut ends = vec![vec![]; self.rows.len()];
        for (upper, lower) in &self.links {
            ends[self.items[*upper].row].push((positions[*upper], positions[*lower]));
        }
        ends.iter_mut().map(|ends| count_row_crossings(ends)).sum()
    }
}

fn mean_position(item: usize, neighbours: &[usize], positions: &[usize]) -> f64 {
    if neighbours.is_empty() {
        return to_f64(positions[item]);
    }
    let sum: usize = neighbours.iter().map(|neighbour| positions[*neighbour]).sum();
    to_f64(sum) / to_f64(neighbours.len())
}

/// The number of pairs of edges between two rows that cross: pairs whose lower ends are not in the
/// order of their upper ends.
fn count_row_crossings(ends: &mut [(usize, usize)]) -> usize {
    ends.sort_unstable();
    let mut before: Vec<usize> = vec![];
    let mut crossings = 0;
    for (_, lower) in ends {
        let index = before.partition_point(|other| *other <= *lower);
        crossings += before.len() - index;
        before.insert(index, *lower);
    }
    crossings
}

/// The number of crossings of the edges of two items that stand side by side.
fn count_pair_crossings(left: &Neighbours, right: &Neighbours, positions: &[usize]) -> usize {
    (0..2).map(|side| count_inversions(&left[side], &right[side], positions)).sum()
}

fn count_inversions(left: &[usize], right: &[usize], positions: &[usize]) -> usize {
    let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    pairs.filter(|(left, right)| positions[**left] > positions[**right]).count()
}

pub(super) fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
