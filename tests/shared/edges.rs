//! Which edges a configuration declares, for those who play the pod that reports them.

use maquette_contract::{NodeConfig, NodeName, Origin, OriginObservation, RoleConfig};

/// The other ends of the edges that begin at the node of `config`.
pub(crate) fn targets(config: &NodeConfig) -> Vec<NodeName> {
    match &config.role {
        RoleConfig::Service(service) => {
            let calls = service.calls.iter().map(|call| call.node.clone());
            let store = service.store.iter().map(|store| store.node.clone());
            calls.chain(store).chain(origins(&service.origins)).collect()
        }
        RoleConfig::Store(_) => vec![],
        RoleConfig::Peer(peer) => {
            let forwards = peer.successor.iter().map(|successor| successor.node.clone());
            let own = [config.node.clone()].into_iter();
            own.chain(origins(&peer.origins)).chain(forwards).collect()
        }
        RoleConfig::Load(load) => load.targets.iter().map(|target| target.node.clone()).collect(),
    }
}

fn origins(origins: &[Origin]) -> impl Iterator<Item = NodeName> {
    origins.iter().map(|origin| origin.node.clone())
}

/// What a pod reports of its origins once all is copied.
pub(crate) fn copied(config: &NodeConfig) -> Vec<OriginObservation> {
    let origins = match &config.role {
        RoleConfig::Service(service) => &service.origins,
        RoleConfig::Peer(peer) => &peer.origins,
        RoleConfig::Store(_) | RoleConfig::Load(_) => return vec![],
    };
    let copied = |origin: &Origin| OriginObservation {
        node: origin.node.clone(),
        complete: true,
        copied: 5,
    };
    origins.iter().map(copied).collect()
}
