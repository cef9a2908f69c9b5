//! Valid migration sources of a configuration, and the pod's report on them.

use super::*;
use maquette_contract::Probe;

fn only(collections: &[&str]) -> CollectionSet {
    CollectionSet::Only(collections.iter().map(|collection| collection.parse().unwrap()).collect())
}

fn all_but(collections: &[&str]) -> CollectionSet {
    CollectionSet::AllBut(
        collections.iter().map(|collection| collection.parse().unwrap()).collect(),
    )
}

/// Owns the orders and all other collections but the books.
fn config(sets: [CollectionSet; 2]) -> ServiceConfig {
    let address = Address("127.0.0.1:1".into());
    let [one, other] = sets;
    let one = MigrationSource {
        collections: one,
        ..source_config("one", SourceBackend::Store, &address)
    };
    let other = MigrationSource {
        collections: other,
        ..source_config("other", SourceBackend::Peers, &address)
    };
    let hop = |collection: &str, hop| (collection.parse().unwrap(), Some(hop));
    let collections = [hop("orders", Hop::Own), hop("books", Hop::Call(component("books")))];
    ServiceConfig {
        calls: vec![call("books", &address)],
        routes: Routes { collections: collections.into(), rest: Some(Hop::Own) },
        migration_sources: vec![one, other],
        ..owner_config(&address)
    }
}

#[test]
fn an_owned_collection_has_at_most_one_source() {
    use crate::runtime::RoleSettings;
    let check = |one, other| {
        let error = ServiceSettings::check(&RoleConfig::Service(config([one, other]))).err()?;
        let error =
            error.strip_prefix("migrationSources: ")?.strip_suffix("; remove one of them")?;
        error.strip_suffix(" would come from both one and other").map(str::to_owned)
    };
    assert_eq!(check(only(&["orders", "cars"]), only(&["ads", "orders"])).unwrap(), "orders");
    assert_eq!(check(only(&["orders"]), all_but(&["cars"])).unwrap(), "orders");
    let every = check(all_but(&["ads"]), all_but(&["orders"])).unwrap();
    assert_eq!(every, "every collection but ads, books, orders");
    assert_eq!(check(only(&["orders"]), all_but(&["orders"])), None);
    assert_eq!(check(only(&["orders"]), only(&["cars"])), None);
    assert_eq!(
        check(only(&["books"]), all_but(&[])),
        None,
        "the books belong to another component"
    );
}

#[tokio::test]
async fn two_sources_of_a_collection_are_rejected() {
    let web = Service::start("web", idle_config()).await;
    web.configure(&document("web", config([all_but(&[]), only(&["orders"])])));
    let rejected = "maquette_config_errors_total 1\n";
    wait_until("it is rejected", || web.runtime.metrics.text().unwrap().contains(rejected)).await;
}

#[tokio::test]
async fn a_source_of_foreign_collections_is_not_queried() {
    let (old, new) = (Store::start().await, Store::start().await);
    old.fill(&[("cars/1".to_owned(), record(1, "old").as_str())]).await;
    let mut config = migrating_config(&new.address, &old.address);
    config.migration_sources[0].collections = only(&["cars"]);
    config.routes.collections =
        [("cars".parse().unwrap(), Some(Hop::Call(component("cars"))))].into();
    let cars = fake_component(async |_| fake_item("cars", "cars", "1")).await;
    config.calls = vec![call("cars", &cars)];
    let web = Service::start("web", config.clone()).await;
    let report = backfill_under(&web, &document("web", config)).unwrap();
    assert_eq!(
        report,
        MigrationObservation { component: component("old"), complete: true, copied: 0 }
    );
    assert_eq!(web.get("/items/cars/1").await.value(), "cars");
    let written = web.put("/items/books/1", "1").await;
    assert_eq!(logged_queries(&written), pairs(&[("data", "GET"), ("data", "SET NX")]));
}

#[tokio::test]
async fn a_source_is_an_edge_that_a_reload_keeps() {
    let (old, new) = (Store::start().await, Store::start().await);
    let web = Service::start("web", migrating_config(&new.address, &old.address)).await;
    let edges = || web.runtime.observations().edges;
    wait_until("both probes succeed", || edges().iter().all(|edge| edge.probe == Probe::Works))
        .await;
    let names: Vec<_> = edges().into_iter().map(|edge| edge.to).collect();
    assert_eq!(names, [component("data"), component("old")]);
    web.put("/items/books/1", "1").await.version();
    let before = edges()[1].traffic.requests;
    assert!(before >= 2);

    reconfigure(
        &web,
        &document("web", with_final_pass(migrating_config(&new.address, &old.address))),
    )
    .await;
    let edge = edges().remove(1);
    assert_eq!(edge.probe, Probe::Works, "the probe is kept");
    assert!(edge.traffic.requests >= before);
    reconfigure(&web, &document("web", owner_config(&new.address))).await;
    assert_eq!(edges().len(), 1);
    assert!(web.runtime.observations().migration_sources.is_empty());

    let (address, _folder) = old.stop().await;
    reconfigure(&web, &document("web", migrating_config(&new.address, &address))).await;
    wait_until("the probe fails", || matches!(edges()[1].probe, Probe::Fails { .. })).await;
}
