//! Contract: every wanted component is verified, and no component calls an obsolete one. Obsolete
//! components are removed; their volumes follow `spec.retention`.

use crate::evolve::{Step, evolution::Evolution, verify, view::ChangeView};
use maquette_contract::ComponentName;

/// None if there are no obsolete components.
pub(super) fn step(view: &ChangeView<'_>) -> Option<Evolution> {
    view.obsolete().next()?;
    // Pods that were already terminating never got the new configuration: they may still call an
    // obsolete component.
    let waits = verify::terminated_waits(
        view.running,
        view.now,
        |name: &ComponentName| view.obsolete().all(|component| component.name != *name),
        |_, _| false,
    );
    if waits.is_empty() {
        return Some(view.waiting_evolution(Step::Contract, view.wanted.clone(), vec![]));
    }
    let apply = view.with_obsolete(view.wanted.clone());
    Some(view.waiting_evolution(Step::Finalize, apply, waits))
}
