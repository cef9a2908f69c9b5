//! Retire: everybody works as wanted, and nobody asks what is not wanted any more. It goes; its
//! volumes go the way that `spec.retention` says.

use super::{Evolution, Step, view::View};

/// The step; none if nothing is left to go.
pub(super) fn step(view: &View<'_>) -> Option<Evolution> {
    view.leaving().next()?;
    Some(view.evolution(Step::Retire, view.wanted.clone(), vec![]))
}
