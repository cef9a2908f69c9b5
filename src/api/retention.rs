//! What becomes of volumes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of volumes that are no longer used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// When a store or peer leaves the model, as by a change of shape, its volume is kept (`Retain`)
    /// or deleted (`Delete`). One that is kept is named in `status.volumes`, and used again, with the
    /// items on it, when the store or peer comes back.
    #[serde(default = "retain")]
    pub when_dropped: Fate,
    /// When the Architecture is deleted, all its volumes are deleted (`Delete`) or kept (`Retain`).
    /// Those that are kept are used again, with the items on them, by the stores and peers of the
    /// same names of a later Architecture of the same name in the same namespace. Until then that
    /// Architecture neither deletes nor changes them, whatever its own `retention` says.
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
