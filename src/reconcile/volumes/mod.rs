//! Volume claims: created before their StatefulSets, so that a StatefulSet never takes a claim of
//! another; grown when the specification grows; kept or deleted as `spec.retention` says.
//!
//! A claim template is what is specified, a claim what exists. A volume that cannot be as
//! specified stays in use as it is, and the status says so. Never deletes a claim that another
//! Architecture created or left behind.

mod claims;
mod ensure;
mod growth;
mod ownership;
mod release;
mod remake;
mod retain;
mod storage_class;
mod template;

pub(super) use ensure::{ensure_claims, find_claim_conflicts};
pub(super) use release::release_claims;
pub(super) use retain::set_claim_owners;
