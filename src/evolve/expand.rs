//! Expand: new components come up beside those that serve, and owners accept the items that they are to
//! have besides those that they have. Nobody asks them yet.

use super::{Evolution, Step, Wait, backend::own_backend, view::ChangeView};
use crate::plan::{Component, Topology};

/// The step; none if everything new works.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    let used = view.graph.reachable_components();
    let mut apply = view.base_topology();
    let mut waits = vec![];
    for component in view.servers() {
        let lacks = if let Some(accepting) = view.expanded_owner(component) {
            Some(accept_collections(view, component, accepting, &mut apply))
        } else if used.contains(&component.name) || is_left_over(view, component) {
            None
        } else {
            apply.components.insert(component.name.clone(), component.clone());
            unmet_in_new(view, component)
        };
        waits.extend(
            lacks.map(|lacks| Wait::Expanded { component: component.name.clone(), unmet: lacks }),
        );
    }
    (!waits.is_empty()).then(|| view.waiting_evolution(Step::Expand, apply, waits))
}

/// Whether `component` is left from an earlier change, as one that only forwards: somebody may still have
/// a connection to it, so it moves as those do that are asked.
fn is_left_over(view: &ChangeView<'_>, component: &Component) -> bool {
    view.current(&component.name).is_some() && !view.is_configured(component)
}

/// Tells a component to accept more items, once their home works; says what is waited for.
fn accept_collections(
    view: &ChangeView<'_>,
    component: &Component,
    accepting: Component,
    apply: &mut Topology,
) -> String {
    let home = own_backend(component).filter(|home| home.component != component.name);
    let home = home.and_then(|home| view.target.component(&home.component));
    match home.filter(|home| !view.is_configured(home) || view.unmet(home).is_some()) {
        Some(home) => format!("{} comes first", home.name),
        None => {
            apply.components.insert(component.name.clone(), accepting);
            "it is told to accept more items".to_owned()
        }
    }
}

/// What a component lacks that nobody asks yet.
fn unmet_in_new(view: &ChangeView<'_>, component: &Component) -> Option<String> {
    match view.is_configured(component) {
        true => view.unmet(component),
        false => Some("it is made".to_owned()),
    }
}
