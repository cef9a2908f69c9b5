//! ConfigMaps: one for each node, its configuration, mounted as a folder so that it is refreshed
//! while the pods run.

use super::{metadata, names, node_config::node_config};
use crate::plan::{Node, Topology};
use k8s_openapi::api::core::v1::ConfigMap;
use maquette_contract::keys;

/// The ConfigMap of `node`.
pub(super) fn config_map(topology: &Topology, node: &Node) -> ConfigMap {
    #[expect(clippy::expect_used, reason = "strings, numbers and maps with strings as keys")]
    let json = node_config(topology, node).to_json().expect("a NodeConfig is JSON");
    ConfigMap {
        metadata: metadata::of_node(
            topology,
            node,
            names::of_node(topology.identity(), &node.name),
        ),
        data: Some([(keys::CONFIG_FILE.to_owned(), json)].into()),
        ..ConfigMap::default()
    }
}
