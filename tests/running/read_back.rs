//! What was rendered is read back as it was planned: nothing else needs to be remembered.

use crate::{
    cluster::{planned, read, works},
    specs::valid,
};
use maquette::{
    observe::{Availability, available},
    plan::{Node, Topology},
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_runs_is_read_back_as_it_was_planned(spec in valid()) {
        let topology = planned(&spec);
        let running = read(&works(&topology));
        prop_assert_eq!(running.entry(), Some(topology.entry()));
        let found: Vec<&Node> =
            running.nodes().filter_map(|(_, found)| found.planned.as_ref()).collect();
        let wanted: Vec<&Node> = topology.nodes().collect();
        prop_assert_eq!(found, wanted);
        for node in topology.nodes() {
            let found = running.node(&node.name);
            let now = crate::cluster::now();
            prop_assert_eq!(available(node, found, false, now), Availability::Available);
        }
    }
}

#[test]
fn a_node_without_its_configuration_is_not_guessed() {
    let topology = shop();
    let mut snapshot = works(&topology);
    snapshot
        .config_maps
        .retain(|config_map| config_map.metadata.name.as_deref() != Some("shop-data"));
    let running = read(&snapshot);
    let data = running.node(&"data".parse().unwrap()).expect("its pod runs");
    assert_eq!(data.planned, None);
    assert_eq!(data.pods.len(), 1);
}

fn shop() -> Topology {
    planned(&crate::cluster::spec("shape: ThreeTier"))
}
