//! Expand: new components come up beside those that serve, and owners accept the items that they are to
//! have besides those that they have. Nobody asks them yet.

use super::{Evolution, Step, Wait, home::own_home, view::View};
use crate::plan::{Component, Topology};

/// The step; none if everything new works.
pub(super) fn step(view: &View<'_>) -> Option<Evolution> {
    let used = view.graph.used();
    let mut apply = view.base();
    let mut waits = vec![];
    for component in view.servers() {
        let lacks = if let Some(accepting) = view.accepting(component) {
            Some(accept(view, component, accepting, &mut apply))
        } else if used.contains(&component.name) || stale(view, component) {
            None
        } else {
            apply.components.insert(component.name.clone(), component.clone());
            lacks(view, component)
        };
        waits.extend(lacks.map(|lacks| Wait::Raised { component: component.name.clone(), lacks }));
    }
    (!waits.is_empty()).then(|| view.evolution(Step::Expand, apply, waits))
}

/// Whether `component` is left from an earlier change, as one that only forwards: somebody may still have
/// a connection to it, so it moves as those do that are asked.
fn stale(view: &View<'_>, component: &Component) -> bool {
    view.old(&component.name).is_some() && !view.told(component)
}

/// Tells a component to accept more items, once their home works; says what is waited for.
fn accept(
    view: &View<'_>,
    component: &Component,
    accepting: Component,
    apply: &mut Topology,
) -> String {
    let home = own_home(component).filter(|home| home.component != component.name);
    let home = home.and_then(|home| view.goal.component(&home.component));
    match home.filter(|home| !view.told(home) || view.lacks(home).is_some()) {
        Some(home) => format!("{} comes first", home.name),
        None => {
            apply.components.insert(component.name.clone(), accepting);
            "it is told to accept more items".to_owned()
        }
    }
}

/// What a component lacks that nobody asks yet.
fn lacks(view: &View<'_>, component: &Component) -> Option<String> {
    match view.told(component) {
        true => view.lacks(component),
        false => Some("it is made".to_owned()),
    }
}
