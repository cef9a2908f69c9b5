//! Connections that lead to a component of another Architecture, whose objects have the same names.

use super::*;
use crate::{runtime::headers::DEADLINE, store::StoreServer};
use maquette_contract::{ComponentIdentity, Probe, keys::HEADER_RECIPIENT};

/// The store `web-data` of the Architecture `shop`, which is `shop-web-data` as the store `data` of
/// `shop-web` is.
fn stranger() -> ComponentIdentity {
    ComponentIdentity {
        architecture: "shop".parse().unwrap(),
        uid: Some("uid-of-shop".parse().unwrap()),
        former_uid: None,
        component: component("web-data"),
    }
}

const OWNER: &str = "belongs to component web-data of Architecture shop (UID uid-of-shop)";

async fn assert_edge_fails(service: &Service, expected: &str) {
    let probe = || service.runtime.observations().edges[0].probe.clone();
    wait_until("the edge is probed", || probe() != Probe::Pending).await;
    match probe() {
        Probe::Fails { message } => assert!(message.starts_with(expected), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_store_of_another_architecture_is_neither_read_nor_written() {
    let (listener, address) = listen().await;
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let server = StoreServer::new(listener, storage.clone(), store::StoreMetrics::default())
        .unwrap()
        .with_recipient_check(|named| stranger().check_recipient(named));
    let serving = tokio::spawn(server.run(std::future::pending()));
    let mut tool = connect(&address).await;
    let of_shop = r#"{"version":"1.0.shop-web-1","value":"of shop"}"#;
    redis::cmd("SET").arg("orders/7").arg(of_shop).exec_async(&mut tool).await.unwrap();
    let web = Service::start("business", owner_config(&address)).await;
    let soon = [(DEADLINE, "1000")];
    let read = web.get_with("/items/orders/7", &soon).await.error(StatusCode::BAD_GATEWAY);
    assert!(read.starts_with(&format!("data at {address}: {OWNER}")), "{read}");
    let write = send_request(&web.address, Method::PUT, "/items/orders/7", &soon, "1").await;
    assert!(write.error(StatusCode::BAD_GATEWAY).contains(OWNER));
    web.get_with("/summary", &soon).await.error(StatusCode::BAD_GATEWAY);
    assert_edge_fails(&web, &format!("{address} {OWNER}")).await;
    let kept = storage.get(b"orders/7").await.unwrap();
    assert_eq!(kept.as_deref(), Some(of_shop.as_bytes()));
    assert_eq!(storage.item_count(), 1);
    serving.abort();
}

#[tokio::test]
async fn a_component_of_another_architecture_is_not_called() {
    let below = Service::start("strange", idle_config()).await;
    let web = Service::start("web", thin_client_config("below", &below.address)).await;
    let soon = [(DEADLINE, "1000")];
    let owner = format!(
        "{} belongs to component strange of Architecture shop (UID the-uid), but the request is \
         for component below of the Architecture with UID the-uid",
        below.address
    );
    for path in ["/items/orders/7", "/summary"] {
        let error = web.get_with(path, &soon).await.error(StatusCode::BAD_GATEWAY);
        assert_eq!(error, format!("below: {owner}"));
    }
    assert_edge_fails(&web, &owner).await;
    assert_eq!(below.runtime.served_traffic.current_traffic().requests, 0);
}

#[tokio::test]
async fn a_request_names_the_component_or_nobody() {
    let web = Service::start("web", idle_config()).await;
    for named in ["the-uid/web", "the-uid"] {
        assert_eq!(web.get_with("/ping", &[(HEADER_RECIPIENT, named)]).await.status, 204);
    }
    assert_eq!(web.get("/ping").await.status, 204);
    let long = "u".repeat(20_000);
    for named in ["another-uid/web", "the-uid/other", "", "/", "web", "the-uid/web/x", "é", &long]
    {
        for path in ["/", "/ping", "/summary", "/items/orders/7", "/unknown"] {
            let refused = web.get_with(path, &[(HEADER_RECIPIENT, named)]).await;
            assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{named:.20} {path}");
            assert!(refused.body.len() < 300, "{}", refused.text());
        }
    }
}

#[tokio::test]
async fn a_component_follows_the_uid_in_its_settings() {
    let below = Service::start("below", idle_config()).await;
    let web = Service::start("web", thin_client_config("below", &below.address)).await;
    assert_eq!(web.get("/summary").await.status, StatusCode::OK);
    let mut adopted = ComponentConfig::from_json(&document("below", idle_config())).unwrap();
    for uid in ["a-second-uid", "a-later-uid"] {
        assert_eq!(web.get("/summary").await.status, StatusCode::OK, "the UID or the former one");
        adopted.architecture_uid = Some(uid.parse().unwrap());
        below.configure(&adopted.to_json().unwrap());
        let follows = || below.runtime.config.current().identity.uid == adopted.architecture_uid;
        wait_until("the settings are loaded", follows).await;
    }
    let error = web.get_with("/summary", &[(DEADLINE, "500")]).await;
    assert!(error.error(StatusCode::BAD_GATEWAY).contains("UID a-later-uid"));
    // A version before UIDs were named.
    adopted.architecture_uid = None;
    below.configure(&adopted.to_json().unwrap());
    wait_until("the settings are loaded", || below.runtime.config.current().identity.uid.is_none())
        .await;
    assert_eq!(web.get("/summary").await.status, StatusCode::OK);
}
