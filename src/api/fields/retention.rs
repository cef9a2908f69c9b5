//! Whether volumes that are no longer in use are deleted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether volumes that are no longer in use are deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// What happens to the volume of a store or peer that leaves the model, for example by a change
    /// of shape: `Retain` keeps it, `Delete` deletes it. A kept volume is listed in
    /// `status.volumes`. The store or peer uses it again, with its items, when it returns to the
    /// model.
    #[serde(default = "default_when_dropped")]
    pub when_dropped: RetentionPolicy,
    /// What happens to all volumes when the Architecture is deleted: `Delete` deletes them,
    /// `Retain` keeps them. A later Architecture of the same name in the same namespace uses kept
    /// volumes again, with their items, for the stores and peers of the same names. Until it uses a
    /// volume, it neither changes nor deletes it, whatever its own `retention` is.
    #[serde(default = "default_when_deleted")]
    pub when_deleted: RetentionPolicy,
}

/// Whether a volume is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RetentionPolicy {
    /// The volume and its items are kept.
    Retain,
    /// The volume and its items are deleted.
    Delete,
}

fn default_when_dropped() -> RetentionPolicy {
    RetentionPolicy::Retain
}

fn default_when_deleted() -> RetentionPolicy {
    RetentionPolicy::Delete
}

impl Default for Retention {
    fn default() -> Self {
        Self { when_dropped: default_when_dropped(), when_deleted: default_when_deleted() }
    }
}
