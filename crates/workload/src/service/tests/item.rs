//! Reading and writing in the own store.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn writers_of_one_item_all_get_through_and_versions_only_grow() {
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
async fn what_is_no_item_is_told_when_read_and_replaced_when_written() {
    let store = Store::start().await;
    store.fill(&[("books/7".to_owned(), "x")]).await;
    let web = Service::start("web", owner_config(&store.address)).await;
    let error = web.get("/items/books/7").await.error(StatusCode::BAD_GATEWAY);
    assert!(error.starts_with("books/7 in the store data is no item: "), "{error}");
    let version = web.put("/items/books/7", "1").await.version();
    assert_eq!(web.get("/items/books/7").await.version(), version);
}

/// Stands between a service and its store; while armed, it passes a `SET` on and then loses the
/// connection instead of the store's answer.
async fn lossy(store: &Address, armed: Arc<AtomicBool>) -> Address {
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
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    let mut lose = false;
    loop {
        tokio::select! {
            size = client.read(&mut asked) => {
                let Ok(size @ 1..) = size else { return };
                let set = asked[..size].windows(8).any(|bytes| bytes == b"$3\r\nSET\r");
                lose |= set && armed.swap(false, Ordering::SeqCst);
                server.write_all(&asked[..size]).await.unwrap();
            }
            size = server.read(&mut answered) => {
                let Ok(size @ 1..) = size else { return };
                if lose {
                    return;
                }
                client.write_all(&answered[..size]).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_write_whose_acknowledgement_was_lost_is_recognised_and_not_made_twice() {
    let store = Store::start().await;
    let armed = Arc::new(AtomicBool::new(false));
    let proxy = lossy(&store.address, Arc::clone(&armed)).await;
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
