//! The steps of a change, one file each, in this order:
//!
//! 1. [`expand`]: new components start beside the running ones.
//! 2. [`cutover`]: components, the entry and the load are reconfigured.
//! 3. [`finalize`]: the final pass of every copy, then migration sources are dropped.
//! 4. [`contract`]: obsolete components are removed.
//!
//! After that, [`scale_down`] removes surplus peers. A step returns none when it has nothing left
//! to do or to wait for. It reads the [`ChangeView`] only, and keeps no state.

mod contract;
mod cutover;
mod expand;
mod finalize;
mod scale_down;

pub(super) use scale_down::remove_peers_one_by_one;

use super::{evolution::Evolution, view::ChangeView};

/// The first step that is not complete; none if the change is.
pub(super) fn next_step(view: &ChangeView<'_>) -> Option<Evolution> {
    expand::step(view)
        .or_else(|| cutover::step(view))
        .or_else(|| finalize::step(view))
        .or_else(|| contract::step(view))
}
