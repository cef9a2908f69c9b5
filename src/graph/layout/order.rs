//! In which order components stand in their rows, so that few edges cross.

use super::Extent;

/// How often the rows are sorted from above and from below.
const SWEEPS: usize = 16;
/// A row that an edge crosses is crossed at a place of its own, this wide.
const BEND_SIZE: Extent = Extent { width: 2.0, height: 0.0 };

/// Components and the places where long edges cross rows.
pub(super) struct Grid {
    /// The components, by index, and then the bends.
    pub(super) items: Vec<GridItem>,
    /// The items of each row, from the left.
    pub(super) rows: Vec<Vec<usize>>,
    /// Pairs of items in rows that follow each other, the upper first.
    pub(super) links: Vec<(usize, usize)>,
    /// For each edge the items that it runs through, from above; none if it stays at its component.
    pub(super) chains: Vec<Vec<usize>>,
}

/// Something that stands in a row.
pub(super) struct GridItem {
    pub(super) row: usize,
    pub(super) size: Extent,
    /// Whether an edge only passes.
    pub(super) is_bend: bool,
}

impl Grid {
    /// Components of these sizes in these rows, and edges that all run downwards.
    pub(super) fn new(sizes: &[Extent], rows: &[usize], down: &[(usize, usize)]) -> Self {
        let component =
            |(size, row): (&Extent, &usize)| GridItem { row: *row, size: *size, is_bend: false };
        let items: Vec<_> = sizes.iter().zip(rows).map(component).collect();
        let count = rows.iter().max().map_or(0, |last| last + 1);
        let mut grid = Self {
            items,
            rows: vec![vec![]; count],
            links: vec![],
            chains: vec![vec![]; down.len()],
        };
        for (edge, &(from, to)) in down.iter().enumerate().filter(|(_, (from, to))| from != to) {
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

    /// Sorts the rows until hardly any two edges cross that need not.
    pub(super) fn reduce_crossings(&mut self) {
        let neighbours = self.neighbours();
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

    /// For each item those above and those below that it has an edge with.
    fn neighbours(&self) -> Vec<[Vec<usize>; 2]> {
        let mut neighbours = vec![[vec![], vec![]]; self.items.len()];
        for &(upper, lower) in &self.links {
            neighbours[upper][1].push(lower);
            neighbours[lower][0].push(upper);
        }
        neighbours
    }

    /// The place of each item in its row.
    pub(super) fn row_positions(&self) -> Vec<usize> {
        let mut places = vec![0; self.items.len()];
        for row in &self.rows {
            row.iter().enumerate().for_each(|(place, item)| places[*item] = place);
        }
        places
    }

    /// Sorts a row by the mean place of the neighbours in the row before it. What has none stays
    /// where it is.
    fn sort_row(&mut self, row: usize, neighbours: &[[Vec<usize>; 2]], upwards: bool) {
        let places = self.row_positions();
        let mean = |item: usize| {
            let near = &neighbours[item][usize::from(upwards)];
            let sum: usize = near.iter().map(|near| places[*near]).sum();
            if near.is_empty() { to_f64(places[item]) } else { to_f64(sum) / to_f64(near.len()) }
        };
        self.rows[row].sort_by(|a, b| mean(*a).total_cmp(&mean(*b)));
    }

    /// Exchanges items that stand side by side as long as that makes fewer crossings.
    fn swap_neighbours(&mut self, neighbours: &[[Vec<usize>; 2]]) {
        for _ in 0..4 {
            let places = self.row_positions();
            let mut swapped = false;
            for row in &mut self.rows {
                for at in 1..row.len() {
                    let (left, right) = (&neighbours[row[at - 1]], &neighbours[row[at]]);
                    let crossings = |left: &[Vec<usize>; 2], right: &[Vec<usize>; 2]| -> usize {
                        (0..2)
                            .map(|side| count_inversions(&left[side], &right[side], &places))
                            .sum()
                    };
                    if crossings(right, left) < crossings(left, right) {
                        row.swap(at - 1, at);
                        swapped = true;
                    }
                }
            }
            if !swapped {
                return;
            }
        }
    }

    /// How many pairs of edges cross.
    pub(super) fn count_crossings(&self) -> usize {
        let places = self.row_positions();
        let mut ends = vec![vec![]; self.rows.len()];
        for (upper, lower) in &self.links {
            ends[self.items[*upper].row].push((places[*upper], places[*lower]));
        }
        ends.iter_mut().map(|ends| count_row_crossings(ends)).sum()
    }
}

/// How many pairs of edges between two rows cross: those whose lower ends are not in the order of
/// their upper ones.
fn count_row_crossings(ends: &mut [(usize, usize)]) -> usize {
    ends.sort_unstable();
    let mut before: Vec<usize> = vec![];
    let mut crossings = 0;
    for (_, lower) in ends {
        let at = before.partition_point(|other| *other <= *lower);
        crossings += before.len() - at;
        before.insert(at, *lower);
    }
    crossings
}

/// How many edges of an item on the left cross those of one on its right.
fn count_inversions(left: &[usize], right: &[usize], places: &[usize]) -> usize {
    let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    pairs.filter(|(left, right)| places[**left] > places[**right]).count()
}

pub(super) fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
