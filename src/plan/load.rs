//! The end users.

use super::{LoadTask, Node, Task, names, resources};
use crate::api::{ValidLoad, ValidResources};
use maquette_contract::{Kind, NodeName, Role};

/// The node of the end users; none if there are none.
pub(super) fn plan(load: &ValidLoad, drives: Vec<NodeName>, kinds: Vec<Kind>) -> Option<Node> {
    if load.requests_per_second == 0 {
        return None;
    }
    let task = LoadTask {
        drives,
        requests_per_second: load.requests_per_second,
        write_percent: load.write_percent,
        summary_percent: load.summary_percent,
        items: load.items,
        kinds,
    };
    Some(Node {
        name: names::load(),
        replicas: 1,
        resources: resources::of(Role::Load, &ValidResources::default()),
        task: Task::Load(task),
    })
}
