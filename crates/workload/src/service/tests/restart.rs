//! Stores and components that stop and start again.

use super::*;
use maquette_contract::Probe;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn probe(service: &Service) -> Probe {
    service.runtime.observations().edges[0].probe.clone()
}

#[tokio::test]
async fn a_request_is_retried_while_the_store_is_down() {
    let address = free_address().await;
    let web = Service::start("web", owner_config(&address)).await;
    wait_until("the probe fails", || matches!(probe(&web), Probe::Fails { .. })).await;
    let (written, _store) = tokio::join!(web.put("/items/books/7", "1"), async {
        // Requests are sent after the probe.
        wait_until("a request is in flight", || web.runtime.config.in_flight() > 0).await;
        Store::start_at(&address, Arc::new(tempfile::tempdir().unwrap())).await
    });
    let version = written.version();
    assert_eq!(web.get("/items/books/7").await.version(), version);
    wait_until("the probe succeeds", || probe(&web) == Probe::Works).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_while_the_store_restarts() {
    let store = Store::start().await;
    let web = Arc::new(Service::start("web", owner_config(&store.address)).await);
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|id| {
            let (web, done) = (Arc::clone(&web), Arc::clone(&done));
            tokio::spawn(async move {
                let path = format!("/items/books/{id}");
                let mut last = web.put(&path, "0").await.version();
                while !done.load(Ordering::SeqCst) {
                    let version = web.put(&path, "1").await.version();
                    assert!(version > last);
                    last = version;
                }
                (path, last)
            })
        })
        .collect();
    let mut store = store;
    for _ in 0..3 {
        let served = web.runtime.served_traffic.current_traffic().requests;
        wait_until("writes continue", || {
            web.runtime.served_traffic.current_traffic().requests > served + 8
        })
        .await;
        let (address, folder) = store.stop().await;
        store = Store::start_at(&address, folder).await;
    }
    done.store(true, Ordering::SeqCst);
    for writer in writers {
        let (path, last) = writer.await.unwrap();
        assert_eq!(web.get(&path).await.version(), last);
    }
}

#[tokio::test]
async fn a_request_fails_at_its_deadline_if_the_store_stays_down() {
    let web = Service::start("web", owner_config(&free_address().await)).await;
    let headers = [(crate::runtime::headers::DEADLINE, "1500")];
    let got = web.get_with("/items/books/7", &headers).await;
    let error = got.error(StatusCode::BAD_GATEWAY);
    assert!(error.starts_with("data at 127.0.0.2:"), "{error}");
    assert!(error.contains("refused"), "{error}");
    let query = &got.answer().trace.queries[0];
    assert!(query.count > 1 && query.error.is_some(), "{query:?}");
}

/// A store that answers each command with these lines and then closes the connection.
async fn refusing_store(lines: &'static [u8]) -> Address {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut received = [0; 1024];
                let mut text = Vec::new();
                while let Ok(size @ 1..) = stream.read(&mut received).await {
                    text.extend_from_slice(&received[..size]);
                    if text.windows(11).any(|bytes| bytes == b"MAQUETTE.TO") {
                        return stream.write_all(lines).await.unwrap_or_default();
                    }
                    // What the client library sends by itself.
                    let commands = received[..size].iter().filter(|byte| **byte == b'*').count();
                    stream.write_all("+OK\r\n".repeat(commands).as_bytes()).await.unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_full_store_is_no_store_of_an_earlier_version() {
    let full = "max number of clients reached";
    let address = refusing_store(b"-ERR max number of clients reached\r\n").await;
    let web = Service::start("web", owner_config(&address)).await;
    let headers = [(crate::runtime::headers::DEADLINE, "1000")];
    let error = web.get_with("/items/books/7", &headers).await.error(StatusCode::BAD_GATEWAY);
    assert!(error.contains(full), "{error}");
}

#[tokio::test]
async fn a_probe_reports_the_error_that_a_store_ends_the_connection_with() {
    for error in [&b"-ERR max number of clients reached\r\n"[..], b"-ERR unknown command 'X'\r\n"] {
        let address = refusing_store(error).await;
        let web = Service::start("web", owner_config(&address)).await;
        wait_until("the store is probed", || probe(&web) != Probe::Pending).await;
        let answer = std::str::from_utf8(error).unwrap().trim_end();
        let message = format!("{address} answered PING with {answer:?}");
        assert_eq!(probe(&web), Probe::Fails { message });
    }
}

#[tokio::test]
async fn a_call_is_retried_when_its_connection_fails() {
    let (listener, address) = listen().await;
    let answering = async {
        // Accepts the connection and closes it, as a killed pod does.
        for _ in 0..2 {
            drop(listener.accept().await.unwrap());
        }
        serve_fake(listener, async |_| fake_summary("below", &[("books", 3)]));
    };
    let web = Service::start("web", thin_client_config("below", &address)).await;
    let (got, ()) = tokio::join!(web.get("/summary"), answering);
    assert_eq!(got.counts(), [("books".to_owned(), 3)]);
}

#[tokio::test]
async fn a_call_to_a_closed_port_is_502_at_the_deadline() {
    let web = Service::start("web", thin_client_config("below", &free_address().await)).await;
    let headers = [(crate::runtime::headers::DEADLINE, "1500")];
    let got = web.get_with("/summary", &headers).await;
    let error = got.error(StatusCode::BAD_GATEWAY);
    assert!(error.starts_with("below: cannot reach 127.0.0.2:"), "{error}");
    let traffic = web.runtime.observations().edges[0].traffic;
    assert_eq!((traffic.requests, traffic.failures), (1, 1));
}

#[tokio::test]
async fn probes_report_a_stopped_store_and_a_failing_component() {
    let store = Store::start().await;
    let web = Service::start("web", owner_config(&store.address)).await;
    wait_until("the probe succeeds", || probe(&web) == Probe::Works).await;
    let (address, _folder) = store.stop().await;
    let refused = format!("cannot connect to {address}: Connection refused (os error 111)");
    let fails = Probe::Fails { message: refused };
    wait_until("the probe fails", || probe(&web) == fails).await;

    let failing = {
        let (listener, address) = listen().await;
        let router = Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    };
    let web = Service::start("web", thin_client_config("failing", &failing)).await;
    let message = format!("{failing} answered /ping with 503 Service Unavailable");
    wait_until("the probe fails", || probe(&web) == Probe::Fails { message: message.clone() })
        .await;
}
