//! Which row each component stands in.

/// The edges, all of them downwards: what would close a circle is turned round.
pub(super) fn remove_cycles(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut search =
        DepthFirstSearch { edges, state: vec![VisitState::New; count], down: edges.to_vec() };
    (0..count).for_each(|component| search.visit(component));
    search.down
}

#[derive(Clone, Copy, PartialEq)]
enum VisitState {
    New,
    /// On the way that the search has come.
    OnPath,
    Done,
}

struct DepthFirstSearch<'a> {
    edges: &'a [(usize, usize)],
    state: Vec<VisitState>,
    down: Vec<(usize, usize)>,
}

impl DepthFirstSearch<'_> {
    fn visit(&mut self, component: usize) {
        if self.state[component] != VisitState::New {
            return;
        }
        self.state[component] = VisitState::OnPath;
        for (edge, &(from, to)) in self.edges.iter().enumerate().filter(|(_, e)| e.0 == component) {
            match self.state[to] {
                VisitState::OnPath => self.down[edge] = (to, from),
                VisitState::New | VisitState::Done => self.visit(to),
            }
        }
        self.state[component] = VisitState::Done;
    }
}

/// The row of each component: below all components that have an edge to it, and no further up than that
/// needs. Components of `top` stand in the first, components of `bottom` together in the last.
pub(super) fn assign_rows(
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
