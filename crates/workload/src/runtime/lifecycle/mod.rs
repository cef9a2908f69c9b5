//! From not ready to stopped: the readiness conditions of the pod and its graceful stop.
//!
//! Never decides what is ready or what is in flight: roles do.

mod readiness;
pub mod shutdown;

pub use readiness::{Readiness, ReadinessCondition};
