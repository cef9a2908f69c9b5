use super::{coordinates, order::Grid, rows, *};

fn same_sizes(count: usize) -> Vec<Extent> {
    vec![Extent { width: 100.0, height: 40.0 }; count]
}

fn lay_out_same_sizes(count: usize, edges: &[(usize, usize)]) -> Layout {
    lay_out(&LayoutInput { sizes: &same_sizes(count), edges, top: &[], bottom: &[] })
}

#[test]
fn a_chain_is_straight() {
    let layout = lay_out_same_sizes(3, &[(0, 1), (1, 2)]);
    let x: Vec<_> = layout.places.iter().map(|place| place.center().x).collect();
    assert_eq!(x, [50.0, 50.0, 50.0]);
    assert!(layout.places[0].bottom() < layout.places[1].corner.y);
    assert_eq!(layout.size.width, 100.0);
}

#[test]
fn two_below_one_stand_on_both_sides() {
    let layout = lay_out_same_sizes(3, &[(0, 1), (0, 2)]);
    let x = |component: usize| layout.places[component].center().x;
    assert!((x(1) + x(2) - 2.0 * x(0)).abs() < 1.0, "{:?}", layout.places);
    assert_eq!(layout.places[1].corner.y, layout.places[2].corner.y);
}

#[test]
fn an_edge_that_closes_a_cycle_runs_upwards() {
    let layout = lay_out_same_sizes(3, &[(0, 1), (1, 2), (2, 0)]);
    let back = &layout.paths[2];
    assert!(back[0].y > back[back.len() - 1].y);
    assert_eq!(layout.paths[0].len(), 2);
}

#[test]
fn an_edge_to_itself_has_no_path() {
    assert!(lay_out_same_sizes(1, &[(0, 0)]).paths[0].is_empty());
}

#[test]
fn rows_follow_calls_top_and_bottom() {
    let edges = [(0, 1), (1, 2), (1, 3), (4, 2)];
    let rows = rows::assign_rows(5, &edges, &[0], &[2, 3]);
    assert_eq!(rows, [0, 1, 2, 2, 1], "4, which has no caller, stands right above 2");
}

#[test]
fn avoidable_crossings_are_avoided() {
    // Each calls the vertex below the other.
    let edges = [(0, 3), (1, 2)];
    let mut grid = Grid::new(&same_sizes(4), &[0, 0, 1, 1], &edges);
    assert_eq!(grid.count_crossings(), 1);
    grid.reduce_crossings();
    assert_eq!(grid.count_crossings(), 0);
    let x = coordinates::item_centers(&grid, &Ports::new(&grid));
    assert!((x[0] - x[3]).abs() < 1.0 && (x[1] - x[2]).abs() < 1.0, "{x:?}");
}

#[test]
fn a_long_edge_does_not_cross_a_component() {
    // 0 calls 1, 1 calls 2, and 0 calls 2 past 1.
    let layout = lay_out_same_sizes(3, &[(0, 1), (1, 2), (0, 2)]);
    let middle = layout.places[1];
    assert!(layout.paths[2].iter().all(|point| !middle.contains(*point)), "{layout:?}");
}
