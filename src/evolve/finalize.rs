//! Finalize: nobody but the new owners writes to the old homes of items any more. A last pass copies
//! what those got meanwhile; then the new owners ask only their own.

use super::{
    Evolution, Step, Wait,
    backend::{self, migration_sources},
    verify,
    view::ChangeView,
};
use crate::{
    observe::RunningPod,
    plan::{Component, Topology},
};
use maquette_contract::{ComponentName, Revision};

/// The step; none if what runs is wired as wanted.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    if view.wanted.components().all(|component| view.is_configured(component)) {
        return None;
    }
    let owners: Vec<_> =
        view.servers().filter(|component| !migration_sources(component).is_empty()).collect();
    let began = owners.iter().all(|component| is_in_final_pass(view, component));
    let ended: Vec<_> = verify::terminating_pods(view.running)
        .map(|(component, pods)| Wait::Terminated { component: component.clone(), pods })
        .collect();
    // Once the last pass has begun, whoever ends has been told before to write nothing there.
    if !ended.is_empty() && (owners.is_empty() || !began) {
        return Some(view.waiting_evolution(
            Step::Finalize,
            view.with_obsolete(view.target.clone()),
            ended,
        ));
    }
    let waits: Vec<_> =
        owners.iter().flat_map(|component| unfinished_copies(view, component)).collect();
    if began && waits.is_empty() {
        let told = view.wanted.components().filter(|component| !view.is_configured(component));
        let lacks = "it is told to ask only whom it will ask from now on".to_owned();
        let waits = told.map(|component| Wait::Configured {
            component: component.name.clone(),
            unmet: lacks.clone(),
        });
        let apply = view.with_obsolete(view.wanted.clone());
        return Some(view.waiting_evolution(Step::Finalize, apply, waits.collect()));
    }
    Some(view.waiting_evolution(
        Step::Finalize,
        view.with_obsolete(with_final_pass(view.target.clone())),
        waits,
    ))
}

/// Whether `component` runs with all its origins marked as the last pass.
fn is_in_final_pass(view: &ChangeView<'_>, component: &Component) -> bool {
    view.current(&component.name).is_some_and(backend::is_in_final_pass)
}

/// `topology`, with every copy the last one.
fn with_final_pass(mut topology: Topology) -> Topology {
    topology.components.values_mut().for_each(|component| backend::set_final_pass(component, true));
    topology
}

/// What the last copies to `component` lack.
fn unfinished_copies(view: &ChangeView<'_>, component: &Component) -> Vec<Wait> {
    let copied = |lacks: String, from: &ComponentName| Wait::Copied {
        component: component.name.clone(),
        from: from.clone(),
        unmet: lacks,
    };
    let found = view.running.component(&component.name);
    let pods = found.map(|found| found.pods.as_slice()).unwrap_or_default();
    let revision = found.and_then(|found| found.revision.as_ref());
    let lacks = |from: &ComponentName| {
        if !is_in_final_pass(view, component) {
            return Some("the last pass begins".to_owned());
        }
        let Some(revision) = revision else { return Some("not known yet".to_owned()) };
        pods.iter().find_map(|pod| incomplete_copy(view, pod, revision, from))
    };
    let from = migration_sources(component).iter().map(|origin| &origin.component);
    from.filter_map(|from| Some(copied(lacks(from)?, from))).collect()
}

fn incomplete_copy(
    view: &ChangeView<'_>,
    pod: &RunningPod,
    revision: &Revision,
    from: &ComponentName,
) -> Option<String> {
    let report = match verify::report_at_revision(pod, revision, view.now) {
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
