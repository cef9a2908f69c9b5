//! What a change will do, told before it is made: each step, where items go, what becomes of
//! volumes, and what cannot be done.
//!
//! Owns the words. What happens is what [`rehearse`] finds, which asks `evolve` itself: nothing
//! here decides anything, and nothing here looks at a cluster.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod items;
mod settings;
mod stage;
mod text;
mod volumes;

pub use items::{ItemsFate, ItemsPreview};
pub use settings::SharedSettings;
pub use stage::{ComponentPreview, EdgePreview, StagePreview};
pub use text::text;
pub use volumes::{VolumeFate, VolumePreview};

use crate::{
    evolve::{placements, simulate},
    graph::{Difference, Model},
    observe::RunningTopology,
    plan::Topology,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How things are before the change.
#[derive(Clone, Debug)]
pub struct CurrentState<'a> {
    /// What runs.
    pub running: &'a RunningTopology,
    /// The settings that are of no one component, if they are known.
    pub settings: Option<SharedSettings<'a>>,
    /// The volume claims that there are, by name, with their size.
    pub claims: &'a BTreeMap<String, String>,
    /// What is specified now, if the shape stays: compared with that, the API server refuses a volume
    /// that shrinks or moves. What runs may be larger than it ever was here.
    pub specified: Option<&'a Topology>,
}

/// What a change will do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What happens, one after another.
    pub stages: Vec<StagePreview>,
    /// What changes of all pods and volumes alike.
    pub settings: Vec<Difference>,
    /// Where the items of each kind go.
    pub items: Vec<ItemsPreview>,
    /// What becomes of each volume.
    pub volumes: Vec<VolumePreview>,
    /// What cannot be done, and why.
    pub cannot: Vec<String>,
}

impl Preview {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let deleted = self.volumes.iter().any(|volume| volume.fate == VolumeFate::Deleted);
        self.stages.is_empty() && self.settings.is_empty() && self.cannot.is_empty() && !deleted
    }
}

/// What turning `before` into `wanted` will do.
pub fn preview_change(before: &CurrentState<'_>, wanted: &Topology) -> Preview {
    let stages = simulate(wanted, before.running);
    let runs = Model::from_running(before.running);
    let wants = Model::from_topology(wanted);
    let mut cannot: Vec<_> =
        stages.iter().flat_map(|stage| stage.blockers.iter().cloned()).collect();
    if let Some(specified) = before.specified {
        cannot.extend(volumes::refused_changes(&Model::from_topology(specified), &wants));
    }
    if !cannot.is_empty() {
        return Preview { cannot, ..Preview::default() };
    }
    let new = SharedSettings { pods: wanted.pods(), retention: wanted.retention() };
    let volumes = volumes::preview_volumes(wanted, &runs, &wants, before.claims);
    Preview {
        items: items::preview_items(&placements(wanted, before.running, &stages), &volumes),
        stages: stage::preview_stages(&runs, &stages),
        settings: before
            .settings
            .map(|old| settings::settings_differences(old, new))
            .unwrap_or_default(),
        volumes,
        cannot,
    }
}

/// What making `wanted` where there is nothing yet will do.
pub fn from_nothing(wanted: &Topology) -> Preview {
    let (running, claims) = (RunningTopology::default(), BTreeMap::new());
    preview_change(
        &CurrentState { running: &running, settings: None, claims: &claims, specified: None },
        wanted,
    )
}
