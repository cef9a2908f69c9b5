//! What the caches keep of an object, and in which form.

mod managed_fields;
mod packed;
mod trim;

pub(super) use managed_fields::strip_managed_fields;
pub(in crate::reconcile) use managed_fields::{has_create_fields, is_create_entry};
pub(super) use packed::Packed;
pub(super) use trim::trim_pod;
