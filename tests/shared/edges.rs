//! Which edges a configuration declares, for those who play the pod that reports them.

use maquette_contract::{
    ComponentConfig, ComponentName, MigrationObservation, MigrationSource, RoleConfig,
};

/// The other ends of the edges that begin at the component of `config`.
pub(crate) fn targets(config: &ComponentConfig) -> Vec<ComponentName> {
    match &config.role {
        RoleConfig::Service(service) => {
            let calls = service.calls.iter().map(|call| call.component.clone());
            let store = service.store.iter().map(|store| store.component.clone());
            calls.chain(store).chain(origins(&service.migration_sources)).collect()
        }
        RoleConfig::Store(_) => vec![],
        RoleConfig::Peer(peer) => {
            let forwards = peer.successor.iter().map(|successor| successor.component.clone());
            let own = [config.component.clone()].into_iter();
            own.chain(origins(&peer.migration_sources)).chain(forwards).collect()
        }
        RoleConfig::Load(load) => {
            load.targets.iter().map(|target| target.component.clone()).collect()
        }
    }
}

fn origins(origins: &[MigrationSource]) -> impl Iterator<Item = ComponentName> {
    origins.iter().map(|origin| origin.component.clone())
}

/// What a pod reports of its origins once all is copied.
pub(crate) fn copied(config: &ComponentConfig) -> Vec<MigrationObservation> {
    let origins = match &config.role {
        RoleConfig::Service(service) => &service.migration_sources,
        RoleConfig::Peer(peer) => &peer.migration_sources,
        RoleConfig::Store(_) | RoleConfig::Load(_) => return vec![],
    };
    let copied = |origin: &MigrationSource| MigrationObservation {
        component: origin.component.clone(),
        complete: true,
        copied: 5,
    };
    origins.iter().map(copied).collect()
}
