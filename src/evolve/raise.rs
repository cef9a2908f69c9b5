//! Raise: new nodes come up beside those that serve, and owners accept the items that they are to
//! have besides those that they have. Nobody asks them yet.

use super::{Evolution, Step, Wait, home::own_home, view::View};
use crate::plan::{Node, Topology};

/// The step; none if everything new works.
pub(super) fn step(view: &View<'_>) -> Option<Evolution> {
    let used = view.graph.used();
    let mut apply = view.base();
    let mut waits = vec![];
    for node in view.servers() {
        let lacks = if let Some(accepting) = view.accepting(node) {
            Some(accept(view, node, accepting, &mut apply))
        } else if used.contains(&node.name) || stale(view, node) {
            None
        } else {
            apply.nodes.insert(node.name.clone(), node.clone());
            lacks(view, node)
        };
        waits.extend(lacks.map(|lacks| Wait::Raised { node: node.name.clone(), lacks }));
    }
    (!waits.is_empty()).then(|| view.evolution(Step::Raise, apply, waits))
}

/// Whether `node` is left from an earlier change, as one that only forwards: somebody may still have
/// a connection to it, so it moves as those do that are asked.
fn stale(view: &View<'_>, node: &Node) -> bool {
    view.old(&node.name).is_some() && !view.told(node)
}

/// Tells a node to accept more items, once their home works; says what is waited for.
fn accept(view: &View<'_>, node: &Node, accepting: Node, apply: &mut Topology) -> String {
    let home = own_home(node).filter(|home| home.node != node.name);
    let home = home.and_then(|home| view.goal.node(&home.node));
    match home.filter(|home| !view.told(home) || view.lacks(home).is_some()) {
        Some(home) => format!("{} comes first", home.name),
        None => {
            apply.nodes.insert(node.name.clone(), accepting);
            "it is told to accept more items".to_owned()
        }
    }
}

/// What a node lacks that nobody asks yet.
fn lacks(view: &View<'_>, node: &Node) -> Option<String> {
    match view.told(node) {
        true => view.lacks(node),
        false => Some("it is made".to_owned()),
    }
}
