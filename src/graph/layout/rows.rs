//! Layer assignment: the row of each vertex.

/// The edges, all of them downwards: an edge that would close a cycle is reversed.
pub(super) fn remove_cycles(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut search =
        DepthFirstSearch { edges, state: vec![VisitState::New; count], downward: edges.to_vec() };
    (0..count).for_each(|vertex| search.visit(vertex));
    search.downward
}

#[derive(Clone, Copy, PartialEq)]
enum VisitState {
    New,
    /// On the path from the vertex at which the search began.
    OnPath,
    Done,
}

struct DepthFirstSearch<'a> {
    edges: &'a [(usize, usize)],
    state: Vec<VisitState>,
    downward: Vec<(usize, usize)>,
}

impl DepthFirstSearch<'_> {
    fn visit(&mut self, vertex: usize) {
        if self.state[vertex] != VisitState::New {
            return;
        }
        self.state[vertex] = VisitState::OnPath;
        for (edge, &(from, to)) in self.edges.iter().enumerate().filter(|(_, e)| e.0 == vertex) {
            match self.state[to] {
                VisitState::OnPath => self.downward[edge] = (to, from),
                VisitState::New | VisitState::Done => self.visit(to),
            }
        }
        self.state[vertex] = VisitState::Done;
    }
}

/// The row of each vertex: the first one below all vertices that have an edge to it. Vertices of
/// `top` stand in the first row, vertices of `bottom` together in the last.
pub(super) fn assign_rows(
    count: usize,
    downward: &[(usize, usize)],
    top: &[usize],
    bottom: &[usize],
) -> Vec<usize> {
    let mut rows: Vec<_> =
        (0..count).map(|vertex| usize::from(!top.is_empty() && !top.contains(&vertex))).collect();
    // No path has more than `count` vertices.
    for _ in 0..count {
        for &(from, to) in downward.iter().filter(|(from, to)| from != to) {
            rows[to] = rows[to].max(rows[from] + 1);
        }
    }
    // A vertex without callers stands right above the vertices that it calls.
    for vertex in (0..count).filter(|vertex| !top.contains(vertex)) {
        let has_caller = downward.iter().any(|(from, to)| *to == vertex && from != to);
        let callees = downward.iter().filter(|(from, to)| *from == vertex && from != to);
        let highest = callees.map(|(_, to)| rows[*to]).min();
        if let Some(row) = highest.filter(|_| !has_caller) {
            rows[vertex] = rows[vertex].max(row - 1);
        }
    }
    let others = (0..count).filter(|vertex| !bottom.contains(vertex));
    let last = others.map(|vertex| rows[vertex] + 1).max().unwrap_or(0);
    bottom.iter().for_each(|vertex| rows[*vertex] = last);
    rows
}
