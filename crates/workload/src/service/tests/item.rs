//! Reads and writes in the own store.

use super::*;
use crate::runtime::wall_millis;
use maquette_contract::{
    RecentRequests, RequestId,
    keys::{HEADER_RECIPIENT, HEADER_REPEATED, HEADER_REQUEST_ID},
};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn concurrent_writes_of_one_item_succeed_with_growing_versions() {
    let store = Store::start().await;
    let services = [
        Service::start("one", owner_config(&store.address)).await,
        Service::start("two", owner_config(&store.address)).await,
    ];
    let writer = async |service: &Service| {
        let mut versions = Vec::new();
        for value in 0..5 {
            versions.push(service.put("/items/books/7", &value.to_string()).await.version());
        }
        assert!(versions.is_sorted_by(|earlier, later| earlier < later));
        versions
    };
    let writers = (0..4).map(|index| writer(&services[index % 2]));
    let mut versions = futures_util::future::join_all(writers).await.concat();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), 20, "no two writes have the same version");
    assert_eq!(services[0].get("/items/books/7").await.version(), versions[19]);
}

#[tokio::test]
async fn a_write_that_is_sent_again_takes_effect_once() {
    let store = Store::start().await;
    let owners = [
        Service::start("one", owner_config(&store.address)).await,
        Service::start("two", owner_config(&store.address)).await,
    ];
    let id = RequestId::new(7).to_string();
    let first = [(HEADER_RECIPIENT, "the-uid"), (HEADER_REQUEST_ID, &*id)];
    let again = [first[0], first[1], (HEADER_REPEATED, "1")];
    let path = "/items/books/7";
    let put = async |owner: &Service, headers: &[(&str, &str)]| {
        send_request(&owner.address, Method::PUT, path, headers, "\"A\"").await
    };
    let made = put(&owners[0], &first).await.version();
    let later = owners[1].put(path, "\"B\"").await.version();
    for owner in &owners {
        assert_eq!(put(owner, &again).await.version(), made);
        let read = owner.get(path).await;
        assert_eq!((read.version(), read.value()), (later.clone(), "B".into()));
    }
    for number in 0..RecentRequests::MAX {
        owners[0].put(path, &number.to_string()).await;
    }
    let before = owners[0].get(path).await.version();
    let refused = put(&owners[1], &again).await.error(StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.contains("its outcome is not known"), "{refused}");
    assert_eq!(owners[0].get(path).await.version(), before);
}

#[tokio::test]
async fn a_value_that_is_no_item_fails_reads_and_is_replaced() {
    let store = Store::start().await;
    store.fill(&[("books/7".to_owned(), "x")]).await;
    let web = Service::start("web", owner_config(&store.address)).await;
    let error = web.get("/items/books/7").await.error(StatusCode::BAD_GATEWAY);
    assert!(
        error.starts_with("books/7 in the store data is damaged: it is not a record: "),
        "{error}"
    );
    let damaged = || web.runtime.observations().damaged_items;
    assert_eq!((damaged().count, damaged().examples), (1, vec!["books/7".to_owned()]));
    assert_eq!(web.get("/summary").await.counts(), [], "the others are counted");
    let version = web.put("/items/books/7", "1").await.version();
    assert_eq!(web.get("/items/books/7").await.version(), version);
    assert!(damaged().is_empty());
}

#[tokio::test]
async fn a_version_from_the_future_is_refused_and_moves_no_clock() {
    let store = Store::start().await;
    let ahead = format!("{}.0.x", wall_millis() + 2 * Version::MAX_AHEAD_MILLIS);
    let record = format!(r#"{{"version":"{ahead}","value":1}}"#);
    store
        .fill(&[
            ("books/7".to_owned(), &*record),
            ("books/8".to_owned(), r#"{"version":"253402300799999.0.x","value":1}"#),
        ])
        .await;
    let web = Service::start("web", owner_config(&store.address)).await;
    for path in ["/items/books/7", "/items/books/8"] {
        for got in [web.get(path).await, web.put(path, "2").await] {
            let error = got.error(StatusCode::BAD_GATEWAY);
            assert!(error.contains("ahead of this pod's clock"), "{error}");
        }
    }
    assert_eq!(web.runtime.observations().damaged_items.count, 2);
    let other = web.put("/items/books/9", "3").await.version();
    assert!(other.millis <= wall_millis(), "{other}");
    assert_eq!(web.get("/summary").await.counts(), [("books".to_owned(), 1)]);
}

#[tokio::test]
async fn a_version_without_a_later_one_is_replaced() {
    let store = Store::start().await;
    let greatest = format!(r#"{{"version":"{}.{}.z","value":1}}"#, u64::MAX, u32::MAX);
    store.fill(&[("books/7".to_owned(), &*greatest)]).await;
    let web = Service::start("web", owner_config(&store.address)).await;
    web.get("/items/books/7").await.error(StatusCode::BAD_GATEWAY);
    let first = web.put("/items/books/7", "2").await.version();
    let second = web.put("/items/books/7", "3").await.version();
    assert!(first < second && second.millis <= wall_millis());
    assert_eq!(web.get("/items/books/7").await.value(), 3);
}

#[tokio::test]
async fn a_body_comes_back_byte_for_byte() {
    let store = Store::start().await;
    let web = Service::start("web", owner_config(&store.address)).await;
    let deepest = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let body = r#"{ "b": 1.50, "a":[-0, 1e999 ,123456789012345678901], "a": "\u00e9\ud800" }"#;
    for body in [body, &deepest, "null", " 1.0 "] {
        web.put("/items/books/7", body).await.version();
        let got = web.get("/items/books/7").await;
        let text = got.text();
        assert!(text.contains(&format!(r#""value":{}}}"#, body.trim())), "{text}");
    }
    for (depth, status) in [(100, 201), (101, 400), (124, 400), (127, 400), (200, 400)] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let got = web.put("/items/books/deep", &body).await;
        assert_eq!(got.status.as_u16(), status, "{depth}: {}", got.text());
        assert!(web.get("/items/books/deep").await.status.is_success());
    }
}

/// A proxy in front of a store. While armed, it passes a `SET` on and then closes the connection
/// instead of passing the reply.
async fn start_lossy_proxy(store: &Address, armed: Arc<AtomicBool>) -> Address {
    let (listener, address) = listen().await;
    let store = store.clone();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&store.0).await.unwrap();
            tokio::spawn(pass(client, server, Arc::clone(&armed)));
        }
    });
    address
}

async fn pass(mut client: TcpStream, mut server: TcpStream, armed: Arc<AtomicBool>) {
    let (mut sent, mut received) = (vec![0; 65536], vec![0; 65536]);
    let mut lose = false;
    loop {
        tokio::select! {
            size = client.read(&mut sent) => {
                let Ok(size @ 1..) = size else { return };
                let set = sent[..size].windows(8).any(|bytes| bytes == b"$3\r\nSET\r");
                lose |= set && armed.swap(false, Ordering::SeqCst);
                server.write_all(&sent[..size]).await.unwrap();
            }
            size = server.read(&mut received) => {
                let Ok(size @ 1..) = size else { return };
                if lose {
                    return;
                }
                client.write_all(&received[..size]).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_write_with_a_lost_reply_is_not_repeated() {
    let store = Store::start().await;
    let armed = Arc::new(AtomicBool::new(false));
    let proxy = start_lossy_proxy(&store.address, Arc::clone(&armed)).await;
    let web = Service::start("web", owner_config(&proxy)).await;
    let first = web.put("/items/books/7", "1").await.version();
    for value in ["2", "3"] {
        armed.store(true, Ordering::SeqCst);
        let got = web.put("/items/books/7", value).await;
        assert!(!armed.load(Ordering::SeqCst), "the acknowledgement was lost");
        assert!(got.version() > first);
        let set = got.answer().trace.queries.into_iter().find(|query| query.command == "SET IFEQ");
        assert_eq!(set.unwrap().count, 1, "the write was sent once");
        let direct = Service::start("other", owner_config(&store.address)).await;
        assert_eq!(direct.get("/items/books/7").await.version(), got.version());
    }
}
