//! A service that takes items over from where they were before.

mod backfill;
mod dual_write;
mod fake_peers;
mod history;
mod peers;
mod settings;

use super::*;
use fake_peers::FakePeers;
use maquette_contract::{
    CollectionSet, MigrationObservation, MigrationSource, Query, SourceBackend,
};

/// Long after now: whoever gives a version to a write must look at what it replaces.
const FUTURE: u64 = 9_000_000_000_000;

fn all_collections() -> CollectionSet {
    CollectionSet::AllBut([].into())
}

/// The origin of every collection.
fn source_config(name: &str, home: SourceBackend, address: &Address) -> MigrationSource {
    MigrationSource {
        component: component(name),
        backend: home,
        address: address.clone(),
        collections: all_collections(),
        final_pass: false,
    }
}

/// Owns every collection, in the store `new`, and takes items over from the store `old`.
fn migrating_config(new: &Address, old: &Address) -> ServiceConfig {
    ServiceConfig {
        migration_sources: vec![source_config("old", SourceBackend::Store, old)],
        ..owner_config(new)
    }
}

/// The same, with the word that nobody else writes to the old store any more.
fn with_final_pass(mut config: ServiceConfig) -> ServiceConfig {
    config.migration_sources.iter_mut().for_each(|origin| origin.final_pass = true);
    config
}

/// A record as it stands in a store.
fn record(millis: u64, value: &str) -> String {
    serde_json::json!({ "version": format!("{millis}.0.x"), "value": value }).to_string()
}

/// What a store alone holds of an item.
async fn in_store(store: &Address, path: &str) -> Option<(Version, serde_json::Value)> {
    let key = path.trim_start_matches("/items/");
    let mut connection = connect(store).await;
    let get = redis::cmd("GET").arg(key).take();
    let bytes: Option<Vec<u8>> = get.query_async(&mut connection).await.unwrap();
    let record: maquette_contract::Record = serde_json::from_slice(&bytes?).unwrap();
    Some((record.version, record.value))
}

/// The report on the only origin, if it is about this configuration.
fn copy_under(service: &Service, text: &str) -> Option<MigrationObservation> {
    let report = service.runtime.observations();
    let mut origins = report.migration_sources;
    (report.revision == ComponentConfig::revision_of(text)).then(|| origins.remove(0))
}

/// Gives the service another configuration and waits until no request runs under the one before.
async fn reconfigure(service: &Service, text: &str) {
    service.configure(text);
    let in_force = || {
        let report = service.runtime.observations();
        report.revision == ComponentConfig::revision_of(text) && report.older_requests == 0
    };
    until("the new configuration is in force", in_force).await;
}

/// Whom was asked for what, in the order of the first time.
fn asked(got: &Got) -> Vec<(String, String)> {
    let queries = got.answer().trace.queries.into_iter();
    queries.map(|Query { to, command, .. }| (to, command)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(to, command)| ((*to).to_owned(), (*command).to_owned())).collect()
}
