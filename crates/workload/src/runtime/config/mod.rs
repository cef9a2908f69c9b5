//! The configuration of the pod: read, checked, brought into force, and read again when its file
//! changes.
//!
//! Owns the document, the current [`LoadedConfig`] and the count of requests that run under it or
//! an older one. Never interprets the part of a role: that is [`RoleSettings`].

mod document;
mod handle;
pub(super) mod reload;

pub use document::{ConfigDocument, ConfigError, LoadedConfig, RoleSettings};
pub use handle::{ConfigHandle, RequestGuard};
