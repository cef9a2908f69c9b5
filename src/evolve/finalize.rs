//! Finalize: nobody but the new owners writes to the old homes of items any more. A last pass copies
//! what those got meanwhile; then the new owners ask only their own.

use super::{
    Evolution, Step, Wait,
    home::{self, origins},
    proof,
    view::View,
};
use crate::{
    observe::RunningPod,
    plan::{Component, Topology},
};
use maquette_contract::{ComponentName, Revision};

/// The step; none if what runs is wired as wanted.
pub(super) fn step(view: &View<'_>) -> Option<Evolution> {
    if view.wanted.components().all(|component| view.told(component)) {
        return None;
    }
    let owners: Vec<_> =
        view.servers().filter(|component| !origins(component).is_empty()).collect();
    let began = owners.iter().all(|component| last_began(view, component));
    let ended: Vec<_> = proof::ending(view.running)
        .map(|(component, pods)| Wait::Ended { component: component.clone(), pods })
        .collect();
    // Once the last pass has begun, whoever ends has been told before to write nothing there.
    if !ended.is_empty() && (owners.is_empty() || !began) {
        return Some(view.evolution(Step::Finalize, view.with_leaving(view.goal.clone()), ended));
    }
    let waits: Vec<_> = owners.iter().flat_map(|component| copying(view, component)).collect();
    if began && waits.is_empty() {
        let told = view.wanted.components().filter(|component| !view.told(component));
        let lacks = "it is told to ask only whom it will ask from now on".to_owned();
        let waits = told.map(|component| Wait::Moved {
            component: component.name.clone(),
            lacks: lacks.clone(),
        });
        let apply = view.with_leaving(view.wanted.clone());
        return Some(view.evolution(Step::Finalize, apply, waits.collect()));
    }
    Some(view.evolution(Step::Finalize, view.with_leaving(last(view.goal.clone())), waits))
}

/// Whether `component` runs with all its origins marked as the last pass.
fn last_began(view: &View<'_>, component: &Component) -> bool {
    view.old(&component.name).is_some_and(home::last_began)
}

/// `topology`, with every copy the last one.
fn last(mut topology: Topology) -> Topology {
    topology.components.values_mut().for_each(|component| home::set_last(component, true));
    topology
}

/// What the last copies to `component` lack.
fn copying(view: &View<'_>, component: &Component) -> Vec<Wait> {
    let copied = |lacks: String, from: &ComponentName| Wait::Copied {
        component: component.name.clone(),
        from: from.clone(),
        lacks,
    };
    let found = view.running.component(&component.name);
    let pods = found.map(|found| found.pods.as_slice()).unwrap_or_default();
    let revision = found.and_then(|found| found.revision.as_ref());
    let lacks = |from: &ComponentName| {
        if !last_began(view, component) {
            return Some("the last pass begins".to_owned());
        }
        let Some(revision) = revision else { return Some("not known yet".to_owned()) };
        pods.iter().find_map(|pod| incomplete(view, pod, revision, from))
    };
    let from = origins(component).iter().map(|origin| &origin.component);
    from.filter_map(|from| Some(copied(lacks(from)?, from))).collect()
}

fn incomplete(
    view: &View<'_>,
    pod: &RunningPod,
    revision: &Revision,
    from: &ComponentName,
) -> Option<String> {
    let report = match proof::report(pod, revision, view.now) {
        Ok(report) => report,
        Err(lacks) => return Some(lacks),
    };
    let name = &pod.name;
    match report.migration_sources.iter().find(|origin| origin.component == *from) {
        Some(origin) if origin.complete => None,
        Some(origin) => Some(format!("pod {name} has {} items so far", origin.copied)),
        None => Some(format!("pod {name} does not report it")),
    }
}
