//! Contract: everybody works as wanted, and nobody asks what is not wanted any more. It goes; its
//! volumes go the way that `spec.retention` says.

use super::{Evolution, Step, Wait, verify, view::ChangeView};
use maquette_contract::ComponentName;

/// The step; none if nothing is left to go. Pods that were told nothing of the change, as they were
/// on their way out already, have ended before.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    let leaving = |name: &ComponentName| view.obsolete().any(|component| component.name == *name);
    view.obsolete().next()?;
    let ending = verify::terminating_pods(view.running).filter(|(name, _)| !leaving(name));
    let ending: Vec<_> = ending
        .map(|(component, pods)| Wait::Terminated { component: component.clone(), pods })
        .collect();
    if ending.is_empty() {
        return Some(view.waiting_evolution(Step::Contract, view.wanted.clone(), vec![]));
    }
    Some(view.waiting_evolution(Step::Finalize, view.with_obsolete(view.wanted.clone()), ending))
}
