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
    observe::{RunningTopology, refused_volume_specs},
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
    /// The current specification, if the shape is unchanged. Compared with it, the operator refuses
    /// a volume that exists and would shrink or change its StorageClass. Running volumes can be
    /// larger than specified.
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
        let is_change =
            |fate: VolumeFate| matches!(fate, VolumeFate::Deleted | VolumeFate::Recreated);
        self.stages.is_empty()
            && self.settings.is_empty()
            && self.cannot.is_empty()
            && !self.volumes.iter().any(|volume| is_change(volume.fate))
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
        cannot.extend(refused_volume_specs(wanted, specified, before.running));
    }
    if !cannot.is_empty() {
        return Preview { cannot, ..Preview::default() };
    }
    let new = SharedSettings { pods: wanted.pods(), retention: wanted.retention() };
    let volumes = volumes::preview_volumes(wanted, before, &running_model, &wanted_model);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::Architecture,
        evolve::healthy_cluster,
        plan::{Identity, plan},
    };

    fn topology(storage: &str) -> Topology {
        let text = format!(
            "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: shop}}, \
             spec: {{shape: ThreeTier, threeTier: {{data: {{storage: {storage}}}}}}}}}"
        );
        let architecture: Architecture = serde_norway::from_str(&text).unwrap();
        let identity = Identity {
            name: "shop".parse().unwrap(),
            namespace: String::new(),
            uid: String::new(),
        };
        plan(&architecture.spec.validate("shop").unwrap(), identity).unwrap()
    }

    /// The preview of a change of a running model, while the claim of `data` has a volume or not.
    fn preview(before: &str, after: &str, claims_unbound: bool) -> Preview {
        let specified = topology(before);
        let mut running = healthy_cluster(&specified);
        running.components.get_mut(&"data".parse().unwrap()).unwrap().claims_unbound =
            claims_unbound;
        let claims = BTreeMap::from([("data-shop-data-0".to_owned(), "2Gi".to_owned())]);
        let current = CurrentState {
            running: &running,
            settings: None,
            claims: &claims,
            specified: Some(&specified),
        };
        preview_change(&current, &topology(after))
    }

    #[test]
    fn a_claim_without_a_volume_may_change_its_size_and_class() {
        let before = "{size: 2Gi, storageClassName: fsat}";
        for after in ["{size: 1Gi, storageClassName: fsat}", "{size: 2Gi, storageClassName: fast}"]
        {
            let unbound = preview(before, after, true);
            assert_eq!(unbound.cannot, Vec::<String>::new(), "{after}");
            let [volume] = unbound.volumes.as_slice() else { panic!("{unbound:?}") };
            assert_eq!(volume.fate, VolumeFate::Recreated, "{after}");
            let sizes = (volume.size.as_str(), volume.wanted.as_deref());
            assert_eq!(sizes, ("2Gi", Some(&after[7..10])));
            assert!(!unbound.is_empty(), "{after}");
            assert_eq!(preview(before, after, false).cannot.len(), 1, "{after}");
        }
        let same = preview(before, before, true);
        assert!(same.is_empty(), "{same:?}");
    }
}
