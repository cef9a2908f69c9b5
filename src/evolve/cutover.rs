//! Cutover: components that run get their new configuration, the innermost first, then the entry Service and
//! the end users; last, what is not wanted any more only forwards requests to the new entry.
//!
//! A request goes along old routes until it comes to a component that has moved, and along new ones from
//! there: whoever has moved asks only those who have, or the owner, who accepts. So every request
//! ends at an owner, and none goes in a circle.

use super::{
    Evolution, Step, Wait, forward,
    home::{origins, own_home, owns_anything},
    proof,
    view::View,
};
use crate::plan::{Component, Topology};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

/// The step; none if all have moved.
pub(super) fn step(view: &View<'_>) -> Option<Evolution> {
    let mut apply = view.base();
    let mut waits = turned_back(view);
    if waits.is_empty() {
        waits = servers(view, &mut apply);
    }
    if waits.is_empty() {
        waits = users(view, &mut apply);
    }
    if waits.is_empty() {
        waits = leaving(view, &mut apply);
    }
    (!waits.is_empty()).then(|| view.evolution(Step::Cutover, apply, waits))
}

/// Components in a last pass that is none any more, as somebody turned back: before anybody moves again
/// they are told so. Else what they report of it could be mistaken for the next.
fn turned_back(view: &View<'_>) -> Vec<Wait> {
    if view.moved {
        return vec![];
    }
    let lacks = "it is told that its last pass was not the last".to_owned();
    let last = view.servers().filter(|component| {
        view.old(&component.name).is_some_and(|old| origins(old).iter().any(|origin| origin.final_pass))
    });
    last.map(|component| Wait::Moved { component: component.name.clone(), lacks: lacks.clone() })
        .collect()
}

/// Moves every component that can be, and tells what is not done.
fn servers(view: &View<'_>, apply: &mut Topology) -> Vec<Wait> {
    let works = |component: &Component| {
        apply.component(&component.name).is_some_and(|now| view.lacks_as_owner(now).is_none())
    };
    let owners_work = view.servers().filter(|component| is_owner(component)).all(works);
    let moved = moved(view);
    let mut waits = vec![];
    for component in view.servers() {
        let lacks = if view.told(component) {
            view.lacks(component)
        } else if let Some(first) = blocked(view, component, &moved) {
            Some(format!("{first} comes first"))
        } else if owners_work {
            apply.components.insert(component.name.clone(), component.clone());
            Some("it is told what to do".to_owned())
        } else {
            Some("all owners of items come first".to_owned())
        };
        waits.extend(lacks.map(|lacks| Wait::Moved { component: component.name.clone(), lacks }));
    }
    waits
}

fn is_owner(component: &Component) -> bool {
    own_home(component).is_some() && owns_anything(component)
}

/// Components that have moved, and so has everybody whom a request can come to through them: a new component
/// has its settings from the first, whoever it asks may not have moved yet.
fn moved<'a>(view: &'a View<'_>) -> BTreeSet<&'a ComponentName> {
    let works = |component: &&Component| view.told(component) && view.lacks(component).is_none();
    let work: Vec<_> = view.servers().filter(works).collect();
    let mut moved = BTreeSet::new();
    // Nobody asks in a circle: each round adds at least the innermost that are left.
    loop {
        let ready = |component: &&&Component| blocked(view, component, &moved).is_none();
        let more: Vec<_> = work.iter().filter(ready).map(|component| &component.name).collect();
        if more.len() == moved.len() {
            return moved;
        }
        moved = more.into_iter().collect();
    }
}

/// A component that `component` will ask and that is not among those that have moved.
fn blocked<'a>(
    view: &'a View<'_>,
    component: &Component,
    moved: &BTreeSet<&ComponentName>,
) -> Option<&'a ComponentName> {
    // Not the ways that only the change needs: those lead to owners.
    let edges = view.wanted.component(&component.name)?.edges();
    let targets = edges.into_iter().filter(|edge| edge.to != component.name);
    let mut targets = targets.filter_map(|edge| view.goal.component(&edge.to));
    targets.find(|target| !moved.contains(&target.name)).map(|target| &target.name)
}

/// Moves the entry Service and the end users.
fn users(view: &View<'_>, apply: &mut Topology) -> Vec<Wait> {
    let mut waits = vec![];
    if !view.entered() {
        apply.entry = view.wanted.entry().clone();
        waits.push(Wait::Entry { component: apply.entry.clone() });
    }
    let Some(load) = view.load() else { return waits };
    let lacks = match view.told(load) {
        true => view.lacks(load),
        false => Some("it is told what to do".to_owned()),
    };
    apply.components.insert(load.name.clone(), load.clone());
    waits.extend(lacks.map(|lacks| Wait::Moved { component: load.name.clone(), lacks }));
    waits
}

/// Makes those who are not wanted any more forward what still comes to them.
fn leaving(view: &View<'_>, apply: &mut Topology) -> Vec<Wait> {
    let mut waits = vec![];
    for component in view.leaving() {
        let Some(forwarder) = forward::forwarder(component, view.wanted.entry()) else { continue };
        let lacks = match view.told(&forwarder) {
            true => view
                .running
                .component(&component.name)
                .and_then(|f| proof::lacks_leaving(f, view.now)),
            false => Some("it is told to".to_owned()),
        };
        apply.components.insert(component.name.clone(), forwarder);
        waits.extend(
            lacks.map(|lacks| Wait::Forwarding { component: component.name.clone(), lacks }),
        );
    }
    waits
}
