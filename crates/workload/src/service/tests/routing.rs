//! The routes of requests.

use super::*;

#[tokio::test]
async fn a_thin_client_forwards_to_the_owner_and_shows_the_tree() {
    let store = Store::start().await;
    let catalog = Service::start("catalog", owner_config(&store.address)).await;
    let client = Service::start("client", thin_client_config("catalog", &catalog.address)).await;

    let written = client.put("/items/books/7", r#"{"title":"Ulysses"}"#).await;
    let version = written.version();
    assert_eq!(version.writer, "shop-catalog-1", "the owner makes the version");
    let read = client.get("/items/books/7").await;
    assert_eq!(read.version(), version);
    assert_eq!(read.value(), serde_json::json!({"title": "Ulysses"}));

    let trace = written.answer().trace;
    assert_eq!(
        (trace.component, trace.role, &*trace.pod),
        (component("client"), Role::Service, "shop-client-1")
    );
    assert!(trace.queries.is_empty(), "the client queries no store");
    let [below] = &trace.calls[..] else { panic!("{:?}", trace.calls) };
    assert_eq!((&below.component, &*below.pod), (&component("catalog"), "shop-catalog-1"));
    let queries = |tree: &ResponseTree| {
        let queries = tree.queries.iter();
        queries.map(|q| (q.to.clone(), q.command.clone(), q.version.clone())).collect::<Vec<_>>()
    };
    let get = ("data".to_owned(), "GET".to_owned());
    let set = ("data".to_owned(), "SET NX".to_owned());
    let written = Some(version);
    assert_eq!(
        queries(below),
        [(get.0.clone(), get.1.clone(), None), (set.0, set.1, written.clone())]
    );
    assert_eq!(queries(&read.answer().trace.calls[0]), [(get.0, get.1, written)]);
}

#[tokio::test]
async fn clients_that_share_a_store_see_each_others_writes() {
    let store = Store::start().await;
    let web = Service::start("web", owner_config(&store.address)).await;
    let reports = Service::start("reports", owner_config(&store.address)).await;
    let first = web.put("/items/books/7", "1").await.version();
    let second = reports.put("/items/books/7", "2").await.version();
    assert!(second > first);
    assert_eq!(web.get("/items/books/7").await.version(), second);
}

#[tokio::test]
async fn each_collection_is_routed_to_its_owner() {
    let orders = fake_component(async |_| fake_item("orders", "orders", "1")).await;
    let catalog = fake_component(async |_| fake_item("catalog", "books", "1")).await;
    let collections = [
        ("orders".parse().unwrap(), Some(Hop::Call(component("orders")))),
        ("hidden".parse().unwrap(), None),
    ];
    let rest = Some(Hop::Call(component("catalog")));
    let client = ServiceConfig {
        calls: vec![call("orders", &orders), call("catalog", &catalog)],
        routes: Routes { collections: collections.clone().into(), rest },
        ..idle_config()
    };
    let client = Service::start("client", client).await;
    assert_eq!(client.get("/items/orders/1").await.value(), "orders");
    assert_eq!(client.get("/items/books/1").await.value(), "catalog");
    assert_eq!(
        client.get("/items/hidden/1").await.error(StatusCode::NOT_FOUND),
        "no component that client can reach owns the collection hidden; it has routes to orders and any other \
         collection"
    );
    let routes = Routes { collections: collections.into(), rest: None };
    let client = ServiceConfig { calls: vec![call("orders", &orders)], routes, ..idle_config() };
    let client = Service::start("client", client).await;
    assert_eq!(
        client.get("/items/books/1").await.error(StatusCode::NOT_FOUND),
        "no component that client can reach owns the collection books; it has routes to orders"
    );
}

#[tokio::test]
async fn a_missing_item_is_404_at_every_hop_with_the_tree() {
    let store = Store::start().await;
    let catalog = Service::start("catalog", owner_config(&store.address)).await;
    let client = Service::start("client", thin_client_config("catalog", &catalog.address)).await;
    let got = client.get("/items/books/none").await;
    assert_eq!(got.error(StatusCode::NOT_FOUND), "there is no item books/none");
    let trace = got.answer().trace;
    assert_eq!(trace.calls[0].queries[0].command, "GET");
    assert_eq!(trace.calls[0].error.as_deref(), Some("there is no item books/none"));
}

#[tokio::test]
async fn a_route_without_a_target_is_rejected() {
    let config =
        ServiceConfig { calls: vec![], ..thin_client_config("catalog", &free_address().await) };
    let error =
        <ServiceSettings as crate::runtime::RoleSettings>::check(&RoleConfig::Service(config));
    assert_eq!(error.unwrap_err(), "routes: * is routed to catalog, which is not in calls");
    let config = ServiceConfig { store: None, ..owner_config(&free_address().await) };
    let error =
        <ServiceSettings as crate::runtime::RoleSettings>::check(&RoleConfig::Service(config));
    assert_eq!(error.unwrap_err(), "routes: * is routed to the own store, but there is no store");
}
