//! Contract: everybody works as wanted, and nobody asks what is not wanted any more. It goes; its
//! volumes go the way that `spec.retention` says.

use super::{Evolution, Step, Wait, proof, view::View};
use maquette_contract::ComponentName;

/// The step; none if nothing is left to go. Pods that were told nothing of the change, as they were
/// on their way out already, have ended before.
pub(super) fn step(view: &View<'_>) -> Option<Evolution> {
    let leaving = |name: &ComponentName| view.leaving().any(|component| component.name == *name);
    view.leaving().next()?;
    let ending = proof::ending(view.running).filter(|(name, _)| !leaving(name));
    let ending: Vec<_> = ending
        .map(|(component, pods)| Wait::Ended { component: component.clone(), pods })
        .collect();
    if ending.is_empty() {
        return Some(view.evolution(Step::Contract, view.wanted.clone(), vec![]));
    }
    Some(view.evolution(Step::Finalize, view.with_leaving(view.wanted.clone()), ending))
}
