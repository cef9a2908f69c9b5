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
pub use settings::Settings;
pub use stage::{ComponentPreview, EdgePreview, StagePreview};
pub use text::text;
pub use volumes::{VolumeFate, VolumePreview};

use crate::{
    evolve::{rehearse, whereabouts},
    graph::{Difference, Model},
    observe::Running,
    plan::Topology,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How things are before the change.
#[derive(Clone, Debug)]
pub struct Before<'a> {
    /// What runs.
    pub running: &'a Running,
    /// The settings that are of no one component, if they are known.
    pub settings: Option<Settings<'a>>,
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
pub fn preview(before: &Before<'_>, wanted: &Topology) -> Preview {
    let stages = rehearse(wanted, before.running);
    let runs = Model::running(before.running);
    let wants = Model::planned(wanted);
    let mut cannot: Vec<_> = stages.iter().flat_map(|stage| stage.cannot.iter().cloned()).collect();
    if let Some(specified) = before.specified {
        cannot.extend(volumes::refused(&Model::planned(specified), &wants));
    }
    if !cannot.is_empty() {
        return Preview { cannot, ..Preview::default() };
    }
    let new = Settings { pods: wanted.pods(), retention: wanted.retention() };
    let volumes = volumes::volumes(wanted, &runs, &wants, before.claims);
    Preview {
        items: items::items(&whereabouts(wanted, before.running, &stages), &volumes),
        stages: stage::stages(&runs, &stages),
        settings: before.settings.map(|old| settings::differences(old, new)).unwrap_or_default(),
        volumes,
        cannot,
    }
}

/// What making `wanted` where there is nothing yet will do.
pub fn from_nothing(wanted: &Topology) -> Preview {
    let (running, claims) = (Running::default(), BTreeMap::new());
    preview(&Before { running: &running, settings: None, claims: &claims, specified: None }, wanted)
}
