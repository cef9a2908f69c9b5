//! What a change will do: its steps, and what happens to items and volumes, or why it cannot be
//! made.
//!
//! Owns the report and its text. The steps are those that [`simulate`] computes with `evolve`
//! itself. Never decides what a change does, and never reads a cluster.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod items;
mod restarts;
mod settings;
mod stage;
mod text;
mod volumes;

pub use items::{ItemsFate, ItemsPreview};
pub use restarts::RestartPreview;
pub use settings::SharedSettings;
pub use stage::{ComponentPreview, EdgePreview, StagePreview};
pub use text::render_text;
pub use volumes::{VolumeFate, VolumePreview};

use crate::{
    evolve::{placements, simulate},
    graph::{Difference, Model},
    observe::RunningTopology,
    plan::Topology,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What exists before the change.
#[derive(Clone, Debug)]
pub struct CurrentState<'a> {
    /// The topology that runs now.
    pub running: &'a RunningTopology,
    /// The settings of all pods and volumes, if they are known.
    pub settings: Option<SharedSettings<'a>>,
    /// The sizes of the existing PersistentVolumeClaims, by name.
    pub claims: &'a BTreeMap<String, String>,
    /// The current specification, if the shape is unchanged. Compared with it, the API server
    /// rejects a volume that shrinks or moves. Running volumes can be larger than specified.
    pub specified: Option<&'a Topology>,
}

/// The steps of a change and what happens to items and volumes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The topologies that are applied, in order.
    pub stages: Vec<StagePreview>,
    /// What changes for all pods and volumes.
    pub settings: Vec<Difference>,
    /// The pods that restart, in the order of their components.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub restarts: Vec<RestartPreview>,
    /// What happens to the items of each collection.
    pub items: Vec<ItemsPreview>,
    /// What happens to each volume.
    pub volumes: Vec<VolumePreview>,
    /// Why the change cannot be made; if there are reasons, everything else is empty.
    pub cannot: Vec<String>,
}

impl Preview {
    /// Whether the change does nothing.
    pub fn is_empty(&self) -> bool {
        let deleted = self.volumes.iter().any(|volume| volume.fate == VolumeFate::Deleted);
        self.stages.is_empty() && self.settings.is_empty() && self.cannot.is_empty() && !deleted
    }
}

/// What the change from `before` to `wanted` will do.
pub fn preview_change(before: &CurrentState<'_>, wanted: &Topology) -> Preview {
    let stages = simulate(wanted, before.running);
    let running_model = Model::from_running(before.running);
    let wanted_model = Model::from_topology(wanted);
    let mut cannot: Vec<_> =
        stages.iter().flat_map(|stage| stage.blockers.iter().cloned()).collect();
    if let Some(specified) = before.specified {
        cannot.extend(volumes::rejected_changes(&Model::from_topology(specified), &wanted_model));
    }
    if !cannot.is_empty() {
        return Preview { cannot, ..Preview::default() };
    }
    let new = SharedSettings { pods: wanted.pods(), retention: wanted.retention() };
    let volumes = volumes::preview_volumes(wanted, &running_model, &wanted_model, before.claims);
    Preview {
        items: items::preview_items(&placements(wanted, before.running, &stages), &volumes),
        restarts: restarts::preview_restarts(before, wanted),
        stages: stage::preview_stages(&running_model, &stages),
        settings: before
            .settings
            .map(|old| settings::settings_differences(old, new))
            .unwrap_or_default(),
        volumes,
        cannot,
    }
}

/// What creating `wanted` will do.
pub fn from_nothing(wanted: &Topology) -> Preview {
    let (running, claims) = (RunningTopology::default(), BTreeMap::new());
    preview_change(
        &CurrentState { running: &running, settings: None, claims: &claims, specified: None },
        wanted,
    )
}
