//! What the caches keep of an object, and in which form.

mod lenient_object;
mod managed_fields;
mod packed;
mod trim;

pub(super) use lenient_object::LenientObject;
pub(super) use managed_fields::strip_managed_fields;
pub(in crate::reconcile) use managed_fields::{has_create_fields, is_create_entry};
pub(super) use packed::{Packed, Packer};
pub(super) use trim::trim_pod;
