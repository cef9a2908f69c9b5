//! What becomes of volumes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of volumes that are no longer used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// When a store or peer leaves the model, as by a change of shape, its volume is kept (`Retain`)
    /// or deleted (`Delete`). One that is kept is used again when the store or peer comes back.
    #[serde(default = "retain")]
    pub when_dropped: Fate,
    /// When the Architecture is deleted, all its volumes are deleted (`Delete`) or kept (`Retain`).
    #[serde(default = "delete")]
    pub when_deleted: Fate,
}

/// What becomes of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Fate {
    /// It is kept.
    Retain,
    /// It is deleted, with the items on it.
    Delete,
}

fn retain() -> Fate {
    Fate::Retain
}

fn delete() -> Fate {
    Fate::Delete
}

impl Default for Retention {
    fn default() -> Self {
        Self { when_dropped: retain(), when_deleted: delete() }
    }
}
