//! Writes the Architecture's objects: creates, updates and deletes them.
//!
//! Never modifies or deletes an object that the Architecture does not control, and writes nothing
//! that is as it should be.

mod adopt;
mod autoscaling;
mod child;
mod delete;
mod kubelet_refresh;
mod managed_fields;
mod names;
mod object;
mod objects;
mod owner;
mod prune;
mod repairs;
mod rollout;

pub(super) use adopt::adopt_orphans;
pub(super) use autoscaling::{Autoscaling, follow_autoscalers};
pub(super) use child::{Child, create_params, merge_params, patch_metadata};
pub(super) use delete::delete_object;
pub(super) use kubelet_refresh::refresh_stale_pods;
pub(super) use names::{NameCheck, check_names, check_names_of_kind};
pub(super) use object::MAX_ATTEMPTS;
pub(super) use objects::{MAX_WRITES_AT_ONCE, apply_objects};
pub(super) use owner::{ensure_owned, name_conflict};
pub(super) use prune::prune_objects;
pub(super) use rollout::{claim_slot, delete_canaries, run_canaries};
