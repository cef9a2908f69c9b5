//! Keeps all copies of this peer's items complete.
//!
//! Owns the sweep of all items after a change of the cluster ([`AntiEntropy`]), the repair of
//! single items ([`ItemRepair`]), and the count of items that are not fully replicated. It never changes
//! a version or a value: it only copies, and drops copies that others hold.

mod anti_entropy;
mod cluster_view;
mod item_repair;
mod replication;

pub(crate) use anti_entropy::AntiEntropy;
#[cfg(test)]
pub(crate) use cluster_view::ClusterView;
pub(crate) use item_repair::ItemRepair;
pub(crate) use replication::{ItemCounter, ReplicationProgress};
