//! Cutover: components that run get their new configuration, the innermost first, then the entry Service and
//! the end users; last, what is not wanted any more only forwards requests to the new entry.
//!
//! A request goes along old routes until it comes to a component that has moved, and along new ones from
//! there: whoever has moved asks only those who have, or the owner, who accepts. So every request
//! ends at an owner, and none goes in a circle.

use super::{
    Evolution, Step, Wait,
    backend::{migration_sources, own_backend, owns_any_collection},
    forward, verify,
    view::ChangeView,
};
use crate::plan::{Component, Topology};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

/// The step; none if all have moved.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    let mut apply = view.base_topology();
    let mut waits = cancelled_final_passes(view);
    if waits.is_empty() {
        waits = cut_over_servers(view, &mut apply);
    }
    if waits.is_empty() {
        waits = shift_entry(view, &mut apply);
    }
    if waits.is_empty() {
        waits = forward_from_obsolete(view, &mut apply);
    }
    (!waits.is_empty()).then(|| view.waiting_evolution(Step::Cutover, apply, waits))
}

/// Components in a last pass that is none any more, as somebody turned back: before anybody moves again
/// they are told so. Else what they report of it could be mistaken for the next.
fn cancelled_final_passes(view: &ChangeView<'_>) -> Vec<Wait> {
    if view.cutover_applied {
        return vec![];
    }
    let lacks = "it is told that its last pass was not the last".to_owned();
    let last = view.servers().filter(|component| {
        view.current(&component.name)
            .is_some_and(|old| migration_sources(old).iter().any(|origin| origin.final_pass))
    });
    last.map(|component| Wait::Configured {
        component: component.name.clone(),
        unmet: lacks.clone(),
    })
    .collect()
}

/// Moves every component that can be, and tells what is not done.
fn cut_over_servers(view: &ChangeView<'_>, apply: &mut Topology) -> Vec<Wait> {
    let works = |component: &Component| {
        apply.component(&component.name).is_some_and(|now| view.unmet_as_owner(now).is_none())
    };
    let owners_work = view.servers().filter(|component| is_owner(component)).all(works);
    let moved = cut_over_components(view);
    let mut waits = vec![];
    for component in view.servers() {
        let lacks = if view.is_configured(component) {
            view.unmet(component)
        } else if let Some(first) = pending_dependency(view, component, &moved) {
            Some(format!("{first} comes first"))
        } else if owners_work {
            apply.components.insert(component.name.clone(), component.clone());
            Some("it is told what to do".to_owned())
        } else {
            Some("all owners of items come first".to_owned())
        };
        waits.extend(
            lacks.map(|lacks| Wait::Configured { component: component.name.clone(), unmet: lacks }),
        );
    }
    waits
}

fn is_owner(component: &Component) -> bool {
    own_backend(component).is_some() && owns_any_collection(component)
}

/// Components that have moved, and so has everybody whom a request can come to through them: a new component
/// has its settings from the first, whoever it asks may not have moved yet.
fn cut_over_components<'a>(view: &'a ChangeView<'_>) -> BTreeSet<&'a ComponentName> {
    let works =
        |component: &&Component| view.is_configured(component) && view.unmet(component).is_none();
    let work: Vec<_> = view.servers().filter(works).collect();
    let mut moved = BTreeSet::new();
    // Nobody asks in a circle: each round adds at least the innermost that are left.
    loop {
        let ready = |component: &&&Component| pending_dependency(view, component, &moved).is_none();
        let more: Vec<_> = work.iter().filter(ready).map(|component| &component.name).collect();
        if more.len() == moved.len() {
            return moved;
        }
        moved = more.into_iter().collect();
    }
}

/// A component that `component` will ask and that is not among those that have moved.
fn pending_dependency<'a>(
    view: &'a ChangeView<'_>,
    component: &Component,
    moved: &BTreeSet<&ComponentName>,
) -> Option<&'a ComponentName> {
    // Not the ways that only the change needs: those lead to owners.
    let edges = view.wanted.component(&component.name)?.edges();
    let targets = edges.into_iter().filter(|edge| edge.to != component.name);
    let mut targets = targets.filter_map(|edge| view.target.component(&edge.to));
    targets.find(|target| !moved.contains(&target.name)).map(|target| &target.name)
}

/// Moves the entry Service and the end users.
fn shift_entry(view: &ChangeView<'_>, apply: &mut Topology) -> Vec<Wait> {
    let mut waits = vec![];
    if !view.entry_shifted() {
        apply.entry = view.wanted.entry().clone();
        waits.push(Wait::EntryShifted { component: apply.entry.clone() });
    }
    let Some(load) = view.load() else { return waits };
    let lacks = match view.is_configured(load) {
        true => view.unmet(load),
        false => Some("it is told what to do".to_owned()),
    };
    apply.components.insert(load.name.clone(), load.clone());
    waits
        .extend(lacks.map(|lacks| Wait::Configured { component: load.name.clone(), unmet: lacks }));
    waits
}

/// Makes those who are not wanted any more forward what still comes to them.
fn forward_from_obsolete(view: &ChangeView<'_>, apply: &mut Topology) -> Vec<Wait> {
    let mut waits = vec![];
    for component in view.obsolete() {
        let Some(forwarder) = forward::forwarder_for(component, view.wanted.entry()) else {
            continue;
        };
        let lacks = match view.is_configured(&forwarder) {
            true => view
                .running
                .component(&component.name)
                .and_then(|f| verify::unmet_forwarding(f, view.now)),
            false => Some("it is told to".to_owned()),
        };
        apply.components.insert(component.name.clone(), forwarder);
        waits.extend(
            lacks.map(|lacks| Wait::Forwarding { component: component.name.clone(), unmet: lacks }),
        );
    }
    waits
}
