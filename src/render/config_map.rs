//! ConfigMaps: one per component with its configuration, mounted as a folder so that the kubelet
//! refreshes it while the pods run.

use super::{component_config::build_component_config, metadata, names};
use crate::plan::{Component, Topology};
use k8s_openapi::api::core::v1::ConfigMap;
use maquette_contract::keys;

/// The ConfigMap of `component`.
pub(super) fn build_config_map(topology: &Topology, component: &Component) -> ConfigMap {
    #[expect(clippy::expect_used, reason = "strings, numbers and maps with strings as keys")]
    let json =
        build_component_config(topology, component).to_json().expect("a ComponentConfig is JSON");
    ConfigMap {
        metadata: metadata::component_metadata(
            topology,
            component,
            names::for_component(topology.identity(), &component.name),
        ),
        data: Some([(keys::CONFIG_FILE.to_owned(), json)].into()),
        ..ConfigMap::default()
    }
}
