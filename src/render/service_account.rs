//! ServiceAccounts: one for the Architecture. Its pods get no token: none of them talks to the API
//! server.

use super::{metadata, names};
use crate::plan::Topology;
use k8s_openapi::api::core::v1::ServiceAccount;

/// The ServiceAccount of every pod.
pub(super) fn build_service_account(topology: &Topology) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata::architecture_metadata(
            topology,
            names::for_architecture(topology.identity()),
        ),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
