//! A service that migrates items from a source.

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

/// A time after the clock, in milliseconds, which a version may still have: a write must get a later
/// version than the record that it replaces.
fn future_millis() -> u64 {
    crate::runtime::wall_millis() + Version::MAX_AHEAD_MILLIS / 2
}

fn all_collections() -> CollectionSet {
    CollectionSet::AllBut([].into())
}

/// A source of every collection.
fn source_config(name: &str, backend: SourceBackend, address: &Address) -> MigrationSource {
    MigrationSource {
        component: component(name),
        backend,
        address: address.clone(),
        collections: all_collections(),
        final_pass: false,
    }
}

/// Routes every collection to the store `new`, with the store `old` as their source.
fn migrating_config(new: &Address, old: &Address) -> ServiceConfig {
    ServiceConfig {
        migration_sources: vec![source_config("old", SourceBackend::Store, old)],
        ..owner_config(new)
    }
}

/// The same, after all other writers of the source have stopped.
fn with_final_pass(mut config: ServiceConfig) -> ServiceConfig {
    config.migration_sources.iter_mut().for_each(|source| source.final_pass = true);
    config
}

/// A record as it is stored.
fn record(millis: u64, value: &str) -> String {
    serde_json::json!({ "version": format!("{millis}.0.x"), "value": value }).to_string()
}

/// The item in a store, read without a service.
async fn stored_item(store: &Address, path: &str) -> Option<(Version, serde_json::Value)> {
    let key = path.trim_start_matches("/items/");
    let mut connection = connect(store).await;
    let get = redis::cmd("GET").arg(key).take();
    let bytes: Option<Vec<u8>> = get.query_async(&mut connection).await.unwrap();
    let record: maquette_contract::Record = serde_json::from_slice(&bytes?).unwrap();
    let value = serde_json::from_str(record.value().unwrap().as_str()).unwrap();
    Some((record.version, value))
}

/// The report on the only source, if it is about this configuration.
fn backfill_under(service: &Service, text: &str) -> Option<MigrationObservation> {
    let report = service.runtime.observations();
    let mut sources = report.migration_sources;
    (report.revision == ComponentConfig::revision_of(text)).then(|| sources.remove(0))
}

/// Replaces the configuration and waits until no request runs under the one before.
async fn reconfigure(service: &Service, text: &str) {
    service.configure(text);
    let in_force = || {
        let report = service.runtime.observations();
        report.revision == ComponentConfig::revision_of(text) && report.older_requests == 0
    };
    wait_until("the new configuration is in force", in_force).await;
}

/// Backend and command of each query in the tree, in order.
fn logged_queries(got: &ClientResponse) -> Vec<(String, String)> {
    let queries = got.answer().trace.queries.into_iter();
    queries.map(|Query { to, command, .. }| (to, command)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(to, command)| ((*to).to_owned(), (*command).to_owned())).collect()
}
