//! Reads and writes in the own store.

use super::*;
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
    assert!(error.starts_with("books/7 in the store data is not an item: "), "{error}");
    let version = web.put("/items/books/7", "1").await.version();
    assert_eq!(web.get("/items/books/7").await.version(), version);
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
