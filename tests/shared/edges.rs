//! The edges that a configuration declares, for fakes of the pods that report them.

use maquette_contract::{
    ComponentConfig, ComponentName, MigrationObservation, MigrationSource, RoleConfig,
};

/// The other ends of the edges that begin at the component of `config`.
pub(crate) fn targets(config: &ComponentConfig) -> Vec<ComponentName> {
    match &config.role {
        RoleConfig::Service(service) => {
            let calls = service.calls.iter().map(|call| call.component.clone());
            let store = service.store.iter().map(|store| store.component.clone());
            calls.chain(store).chain(source_names(&service.migration_sources)).collect()
        }
        RoleConfig::Store(_) => vec![],
        RoleConfig::Peer(peer) => {
            let forwards = peer.successor.iter().map(|successor| successor.component.clone());
            let own = [config.component.clone()].into_iter();
            own.chain(source_names(&peer.migration_sources)).chain(forwards).collect()
        }
        RoleConfig::Load(load) => {
            load.targets.iter().map(|target| target.component.clone()).collect()
        }
    }
}

fn source_names(sources: &[MigrationSource]) -> impl Iterator<Item = ComponentName> {
    sources.iter().map(|source| source.component.clone())
}

/// What a pod reports of its migration sources after all items are copied.
pub(crate) fn copied(config: &ComponentConfig) -> Vec<MigrationObservation> {
    let sources = match &config.role {
        RoleConfig::Service(service) => &service.migration_sources,
        RoleConfig::Peer(peer) => &peer.migration_sources,
        RoleConfig::Store(_) | RoleConfig::Load(_) => return vec![],
    };
    sources
        .iter()
        .map(|source| MigrationObservation {
            component: source.component.clone(),
            complete: true,
            copied: 5,
        })
        .collect()
}
