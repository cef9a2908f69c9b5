//! Which row each component stands in.

/// The edges, all of them downwards: what would close a circle is turned round.
pub(super) fn down(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut search = Search { edges, state: vec![State::New; count], down: edges.to_vec() };
    (0..count).for_each(|component| search.visit(component));
    search.down
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    /// On the way that the search has come.
    Above,
    Done,
}

struct Search<'a> {
    edges: &'a [(usize, usize)],
    state: Vec<State>,
    down: Vec<(usize, usize)>,
}

impl Search<'_> {
    fn visit(&mut self, component: usize) {
        if self.state[component] != State::New {
            return;
        }
        self.state[component] = State::Above;
        for (edge, &(from, to)) in self.edges.iter().enumerate().filter(|(_, e)| e.0 == component) {
            match self.state[to] {
                State::Above => self.down[edge] = (to, from),
                State::New | State::Done => self.visit(to),
            }
        }
        self.state[component] = State::Done;
    }
}

/// The row of each component: below all components that have an edge to it, and no further up than that
/// needs. Components of `top` stand in the first, components of `bottom` together in the last.
pub(super) fn rows(
    count: usize,
    down: &[(usize, usize)],
    top: &[usize],
    bottom: &[usize],
) -> Vec<usize> {
    let first = |component: usize| usize::from(!top.is_empty() && !top.contains(&component));
    let mut rows: Vec<_> = (0..count).map(first).collect();
    for _ in 0..count {
        for &(from, to) in down.iter().filter(|(from, to)| from != to) {
            rows[to] = rows[to].max(rows[from] + 1);
        }
    }
    // Those whom nobody calls stand right above those whom they call.
    for component in (0..count).filter(|component| !top.contains(component)) {
        let called = down.iter().any(|(from, to)| *to == component && from != to);
        let below = down.iter().filter(|(from, to)| *from == component && from != to);
        if let Some(row) = below.map(|(_, to)| rows[*to]).min().filter(|_| !called) {
            rows[component] = rows[component].max(row - 1);
        }
    }
    let others = (0..count).filter(|component| !bottom.contains(component));
    let last = others.map(|component| rows[component] + 1).max().unwrap_or(0);
    bottom.iter().for_each(|component| rows[*component] = last);
    rows
}
