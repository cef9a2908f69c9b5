//! Expand: new components start beside the running ones, and owners accept additional collections.
//! No caller uses them yet.

use crate::{
    evolve::{Step, evolution::Evolution, routing::own_backend, view::ChangeView, wait::Wait},
    plan::{Component, Topology},
};

/// None if all new components are verified and all owners accept their collections.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    let reachable = view.graph.reachable_components();
    let mut apply = view.base_topology();
    let mut waits = vec![];
    for component in view.servers() {
        let unmet = if let Some(owner) = view.expanded_owner(component) {
            Some(accept_collections(view, component, owner, &mut apply))
        } else if reachable.contains(&component.name) || is_left_over(view, component) {
            // In use: Cutover reconfigures it.
            None
        } else {
            apply.components.insert(component.name.clone(), component.clone());
            unmet_in_new(view, component)
        };
        waits
            .extend(unmet.map(|unmet| Wait::Expanded { component: component.name.clone(), unmet }));
    }
    (!waits.is_empty()).then(|| view.waiting_evolution(Step::Expand, apply, waits))
}

/// Whether `component` still runs from an earlier change, as one that only forwards. Clients may
/// have connections to it, so it is reconfigured like one in use.
fn is_left_over(view: &ChangeView<'_>, component: &Component) -> bool {
    view.current(&component.name).is_some() && !view.is_configured(component)
}

/// Configures the expanded `owner` once its backend is verified. Returns what is waited for.
fn accept_collections(
    view: &ChangeView<'_>,
    component: &Component,
    owner: Component,
    apply: &mut Topology,
) -> String {
    let backend = own_backend(component)
        .filter(|backend| backend.component != component.name)
        .and_then(|backend| view.target.component(&backend.component))
        .filter(|backend| !view.is_configured(backend) || view.unmet(backend).is_some());
    match backend {
        Some(backend) => format!("{} must be verified first", backend.name),
        None => {
            apply.components.insert(component.name.clone(), owner);
            "its configuration with more collections is being applied".to_owned()
        }
    }
}

/// The first requirement that a component without callers does not meet.
fn unmet_in_new(view: &ChangeView<'_>, component: &Component) -> Option<String> {
    match view.is_configured(component) {
        true => view.unmet(component),
        false => Some("it is being created".to_owned()),
    }
}
