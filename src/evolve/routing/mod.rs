//! Where requests go and where items are.
//!
//! Owns the questions that a topology answers without a cluster: at which owner a request ends,
//! which backend an owner uses, which backend is the source of truth, and on which components a
//! component depends. Never decides what to apply.

mod backend;
mod dependencies;
mod graph;
mod selector;
mod source_of_truth;

#[cfg(test)]
pub(super) use backend::Backend;
pub(super) use backend::{
    authoritative_backend, backend_components, is_in_final_pass, is_owner_of, migration_sources,
    own_backend, owns_any_collection, set_final_pass,
};
pub(super) use dependencies::have_same_dependencies;
pub(super) use graph::RouteGraph;
pub(super) use selector::CollectionSelector;
pub(super) use source_of_truth::SourcesOfTruth;
