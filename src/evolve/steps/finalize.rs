//! Finalize: only new owners still write to migration sources. The final pass copies what the
//! sources got before; then new owners use only their own backends.

use crate::{
    evolve::{
        Step,
        evolution::Evolution,
        routing::{self, migration_sources},
        verify,
        view::ChangeView,
        wait::Wait,
    },
    observe::{RunningComponent, RunningPod, TerminatingPod},
    plan::{Component, Topology},
};
use maquette_contract::{ComponentName, Revision, Role};
use std::collections::BTreeSet;

/// None if the dependencies of all running components are the wanted ones.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    if view.wanted.components().all(|component| view.is_configured(component)) {
        return None;
    }
    let owners: Vec<_> = view.servers().filter(|one| !migration_sources(one).is_empty()).collect();
    let final_pass_started = owners.iter().all(|component| is_in_final_pass(view, component));
    let terminating = terminated_waits(view, &owners);
    // A pod that terminates after the final pass has started does not write to a source any more:
    // it had its target configuration.
    if !terminating.is_empty() && (owners.is_empty() || !final_pass_started) {
        let apply = view.with_obsolete(view.target.clone());
        return Some(view.waiting_evolution(Step::Finalize, apply, terminating));
    }
    let copies: Vec<_> = owners.iter().flat_map(|owner| unfinished_copies(view, owner)).collect();
    if final_pass_started && copies.is_empty() {
        let apply = view.with_obsolete(view.wanted.clone());
        return Some(view.waiting_evolution(Step::Finalize, apply, drop_waits(view)));
    }
    let apply = view.with_obsolete(with_final_pass(view.target.clone()));
    Some(view.waiting_evolution(Step::Finalize, apply, copies))
}

/// Waits for terminating pods. One that should have ended counts only if it may still write to a
/// migration source of `owners`.
fn terminated_waits(view: &ChangeView<'_>, owners: &[&Component]) -> Vec<Wait> {
    let sources: BTreeSet<_> = owners
        .iter()
        .flat_map(|owner| migration_sources(owner))
        .map(|source| &source.component)
        .collect();
    verify::terminated_waits(
        view.running,
        view.now,
        |_| true,
        |found, pod| may_write(found, pod, &sources),
    )
}

/// Whether a pod of `found` may write to one of `sources`. A pod whose edges are unknown may, unless
/// its role never does.
fn may_write(
    found: &RunningComponent,
    pod: &TerminatingPod,
    sources: &BTreeSet<&ComponentName>,
) -> bool {
    let role = found.planned.as_ref().map(Component::role);
    if sources.is_empty() || matches!(role, Some(Role::Load | Role::Store)) {
        return false;
    }
    pod.targets.as_ref().is_none_or(|targets| targets.iter().any(|name| sources.contains(name)))
}

/// Waits for the components from which migration sources or routes are dropped.
fn drop_waits(view: &ChangeView<'_>) -> Vec<Wait> {
    view.wanted
        .components()
        .filter(|component| !view.is_configured(component))
        .map(|component| Wait::Configured {
            component: component.name.clone(),
            unmet: "its migration sources and temporary routes are dropped".to_owned(),
        })
        .collect()
}

/// Whether the running component is in the final pass of all its copies.
fn is_in_final_pass(view: &ChangeView<'_>, component: &Component) -> bool {
    view.current(&component.name).is_some_and(routing::is_in_final_pass)
}

fn with_final_pass(mut topology: Topology) -> Topology {
    for component in topology.components.values_mut() {
        routing::set_final_pass(component, true);
    }
    topology
}

/// The final copies to `owner` that are not complete.
fn unfinished_copies(view: &ChangeView<'_>, owner: &Component) -> Vec<Wait> {
    let sources = migration_sources(owner).iter().map(|source| &source.component);
    let unfinished = sources.filter_map(|from| {
        let unmet = unmet_copy(view, owner, from)?;
        Some(Wait::Copied { component: owner.name.clone(), from: from.clone(), unmet })
    });
    unfinished.collect()
}

/// Why the final copy from `source` to `owner` is not complete.
fn unmet_copy(view: &ChangeView<'_>, owner: &Component, source: &ComponentName) -> Option<String> {
    if !is_in_final_pass(view, owner) {
        return Some("the final pass starts".to_owned());
    }
    let running = view.running.component(&owner.name);
    let Some(revision) = running.and_then(|running| running.revision.as_ref()) else {
        return Some("its configuration is unknown".to_owned());
    };
    let mut pods = running.into_iter().flat_map(|running| &running.pods);
    pods.find_map(|pod| incomplete_copy(view, pod, revision, source))
}

fn incomplete_copy(
    view: &ChangeView<'_>,
    pod: &RunningPod,
    revision: &Revision,
    source: &ComponentName,
) -> Option<String> {
    let report = match verify::report_at_revision(pod, revision, view.now) {
        Ok(report) => report,
        Err(reason) => return Some(reason),
    };
    let name = &pod.name;
    match report.migration_sources.iter().find(|copy| copy.component == *source) {
        Some(copy) if copy.complete => None,
        Some(copy) => Some(format!("pod {name} has {} items so far", copy.copied)),
        None => Some(format!("pod {name} does not report the copy")),
    }
}
