//! Which edges a configuration declares, for those who play the pod that reports them.

use maquette_contract::{NodeConfig, NodeName, RoleConfig};

/// The other ends of the edges that begin at the node of `config`.
pub(crate) fn targets(config: &NodeConfig) -> Vec<NodeName> {
    match &config.role {
        RoleConfig::Service(service) => {
            let calls = service.calls.iter().map(|call| call.node.clone());
            calls.chain(service.store.iter().map(|store| store.node.clone())).collect()
        }
        RoleConfig::Store(_) => vec![],
        RoleConfig::Peer(_) => vec![config.node.clone()],
        RoleConfig::Load(load) => load.targets.iter().map(|target| target.node.clone()).collect(),
    }
}
