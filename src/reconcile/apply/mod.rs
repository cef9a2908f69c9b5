//! Writes the Architecture's objects: creates, updates and deletes them.
//!
//! Never modifies or deletes an object that the Architecture does not control, and writes nothing
//! that is as it should be.

mod child;
mod delete;
mod kubelet_refresh;
mod managed_fields;
mod object;
mod objects;
mod prune;
mod rollout;

pub(super) use child::{Child, create_params, merge_params, patch_metadata};
pub(super) use delete::delete_object;
pub(super) use kubelet_refresh::refresh_stale_pods;
pub(super) use object::ensure_owned;
pub(super) use objects::apply_objects;
pub(super) use prune::prune_objects;
pub(super) use rollout::{claim_slot, run_canaries};
