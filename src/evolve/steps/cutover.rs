//! Cutover: running components get their target configuration, callees before callers, then the
//! entry Service and the load follow. Last, obsolete components only forward to the new entry.
//!
//! A request follows old routes until it reaches a reconfigured component, and new routes from
//! there: a reconfigured component calls only reconfigured ones, or the owner, which accepts the
//! collection since Expand. So every request ends at an owner, and none loops.

use crate::{
    evolve::{
        Step,
        evolution::Evolution,
        interim::forwarder_for,
        routing::{migration_sources, own_backend, owns_any_collection},
        verify,
        view::ChangeView,
        wait::Wait,
    },
    plan::{Component, Topology},
};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

/// None if every component, the entry and the load are reconfigured, with proof.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    let mut apply = view.base_topology();
    let mut waits = cancelled_final_passes(view);
    if waits.is_empty() {
        waits = reconfigure_servers(view, &mut apply);
    }
    if waits.is_empty() {
        waits = shift_entry_and_load(view, &mut apply);
    }
    if waits.is_empty() {
        waits = forward_from_obsolete(view, &mut apply);
    }
    (!waits.is_empty()).then(|| view.waiting_evolution(Step::Cutover, apply, waits))
}

/// Components in a final pass of a change that was reversed. The base topology cancels the pass,
/// before anything else is reconfigured: otherwise its reports could be taken for those of a later
/// final pass.
fn cancelled_final_passes(view: &ChangeView<'_>) -> Vec<Wait> {
    if view.cutover_applied {
        return vec![];
    }
    let in_final_pass = view.servers().filter(|component| {
        view.current(&component.name).is_some_and(|current| {
            migration_sources(current).iter().any(|source| source.final_pass)
        })
    });
    in_final_pass
        .map(|component| configured(component, "its final pass is cancelled".to_owned()))
        .collect()
}

fn configured(component: &Component, unmet: String) -> Wait {
    Wait::Configured { component: component.name.clone(), unmet }
}

/// Reconfigures every component whose callees are. Returns what is waited for.
fn reconfigure_servers(view: &ChangeView<'_>, apply: &mut Topology) -> Vec<Wait> {
    let owners_work = view.servers().filter(|component| is_owner(component)).all(|component| {
        let current = apply.component(&component.name);
        current.is_some_and(|current| view.unmet_as_owner(current).is_none())
    });
    let reconfigured = reconfigured_components(view);
    let mut waits = vec![];
    for component in view.servers() {
        let unmet = if view.is_configured(component) {
            view.unmet(component)
        } else if let Some(callee) = pending_callee(view, component, &reconfigured) {
            Some(format!("{callee} must be verified first"))
        } else if owners_work {
            apply.components.insert(component.name.clone(), component.clone());
            Some("it is being applied".to_owned())
        } else {
            Some("all owners of items must be verified first".to_owned())
        };
        waits.extend(unmet.map(|unmet| configured(component, unmet)));
    }
    waits
}

fn is_owner(component: &Component) -> bool {
    own_backend(component).is_some() && owns_any_collection(component)
}

/// Components that are verified under their target configuration, and so are all components that a
/// request can reach through them. A new component has its target configuration from the start, but
/// its callees may not have theirs.
fn reconfigured_components<'a>(view: &'a ChangeView<'_>) -> BTreeSet<&'a ComponentName> {
    let verified: Vec<_> = view
        .servers()
        .filter(|component| view.is_configured(component) && view.unmet(component).is_none())
        .collect();
    let mut reconfigured = BTreeSet::new();
    // Calls have no cycles: each round adds at least the remaining components without callees.
    loop {
        let extended: Vec<_> = verified
            .iter()
            .filter(|component| pending_callee(view, component, &reconfigured).is_none())
            .map(|component| &component.name)
            .collect();
        if extended.len() == reconfigured.len() {
            return reconfigured;
        }
        reconfigured = extended.into_iter().collect();
    }
}

/// A wanted callee of `component` that is not in `reconfigured`.
fn pending_callee<'a>(
    view: &'a ChangeView<'_>,
    component: &Component,
    reconfigured: &BTreeSet<&ComponentName>,
) -> Option<&'a ComponentName> {
    // The wanted edges, not those of the target: routes that only the change needs lead to owners.
    let edges = view.wanted.component(&component.name)?.edges();
    let mut callees = edges
        .into_iter()
        .filter(|edge| edge.to != component.name)
        .filter_map(|edge| view.target.component(&edge.to));
    callees.find(|callee| !reconfigured.contains(&callee.name)).map(|callee| &callee.name)
}

/// Moves the entry Service and the load. Returns what is waited for.
fn shift_entry_and_load(view: &ChangeView<'_>, apply: &mut Topology) -> Vec<Wait> {
    let mut waits = vec![];
    if !view.entry_shifted() {
        apply.entry = view.wanted.entry().clone();
        waits.push(Wait::EntryShifted { component: apply.entry.clone() });
    }
    let Some(load) = view.load() else { return waits };
    let unmet = match view.is_configured(load) {
        true => view.unmet(load),
        false => Some("it is being applied".to_owned()),
    };
    apply.components.insert(load.name.clone(), load.clone());
    waits.extend(unmet.map(|unmet| configured(load, unmet)));
    waits
}

/// Makes obsolete components forward requests to the new entry. Returns what is waited for.
fn forward_from_obsolete(view: &ChangeView<'_>, apply: &mut Topology) -> Vec<Wait> {
    let mut waits = vec![];
    for component in view.obsolete() {
        let Some(forwarder) = forwarder_for(component, view.wanted.entry()) else { continue };
        let name = &component.name;
        let unmet = match view.is_configured(&forwarder) {
            true => {
                let running = view.running.component(name);
                running.and_then(|running| verify::unmet_forwarding(running, view.now))
            }
            false => Some("its configuration is being applied".to_owned()),
        };
        apply.components.insert(name.clone(), forwarder);
        waits.extend(unmet.map(|unmet| Wait::Forwarding { component: name.clone(), unmet }));
    }
    waits
}
