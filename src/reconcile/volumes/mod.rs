//! What becomes of volumes: claims are made before their StatefulSets, so that nobody else's is
//! ever taken, grow when the specification says so, and follow `spec.retention`.
//!
//! A claim template says what is wanted, a claim what there is: where a volume cannot be as it is
//! wanted it goes on being used as it is, and the status says so. No claim is deleted that another
//! Architecture made or left behind.

mod claims;
mod ensure;
mod growth;
mod ownership;
mod release;
mod storage_class;
mod template;

pub(super) use ensure::ensure_claims;
pub(super) use growth::GrowthRefusal;
pub(super) use release::release_claims;
