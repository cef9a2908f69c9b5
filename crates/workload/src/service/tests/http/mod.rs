//! What HTTP/1.1 demands of a server, byte by byte.

mod conditions;
mod pages;

use super::*;
use std::time::Instant;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection of a client that writes its requests itself.
struct RawClient(TcpStream);

impl RawClient {
    async fn connect(address: &Address) -> Self {
        Self(TcpStream::connect(&address.0).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until the text has this part, or the connection is closed.
    async fn read_until(&mut self, part: &str) -> String {
        let mut text = String::new();
        let reading = async {
            let mut bytes = [0; 4096];
            while !text.contains(part) {
                // A connection that is reset has no more to say.
                let size = self.0.read(&mut bytes).await.unwrap_or(0);
                if size == 0 {
                    return;
                }
                text += std::str::from_utf8(&bytes[..size]).unwrap();
            }
        };
        timeout(TEST_TIMEOUT, reading).await.expect("the text, or the end");
        text
    }
}

/// The answer to a request that is written as it is; the head alone decides it.
async fn exchange(address: &Address, request: &str) -> String {
    let mut client = RawClient::connect(address).await;
    client.send(request).await;
    client.read_until("\r\n\r\n").await
}

async fn idle_service() -> Service {
    Service::start("web", idle_config()).await
}

#[tokio::test]
async fn a_request_without_one_valid_host_is_400() {
    let web = idle_service().await;
    for head in [
        "GET /ping HTTP/1.1\r\n\r\n",
        "GET /summary HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /summary HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /summary HTTP/1.1\r\nhost: user@a/\r\n\r\n",
        "PUT /items/a/1 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1",
    ] {
        let got = exchange(&web.address, head).await;
        assert!(got.starts_with("HTTP/1.1 400 "), "{head:?}: {got}");
    }
    for head in [
        "GET /ping HTTP/1.0\r\n\r\n",
        "GET /ping HTTP/1.1\r\nhost:\r\n\r\n",
        "GET /ping HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
    ] {
        let got = exchange(&web.address, head).await;
        assert!(got.contains(" 204 "), "{head:?}: {got}");
    }
}

#[tokio::test]
async fn a_body_in_another_transfer_coding_than_chunked_is_501() {
    let web = idle_service().await;
    for (coding, status) in [("gzip, chunked", "501"), ("gzip,chunked", "501"), ("Chunked", "404")]
    {
        let head = format!("PUT /items/a/1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {coding}");
        let got = exchange(&web.address, &format!("{head}\r\n\r\n1\r\n7\r\n0\r\n\r\n")).await;
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{coding}: {got}");
    }
}

#[tokio::test]
async fn a_body_that_would_be_refused_is_refused_before_it_is_sent() {
    let web = idle_service().await;
    let large = "content-length: 65537";
    for (headers, status) in [
        (format!("{large}\r\nexpect: 100-continue"), "413"),
        (large.to_owned(), "413"),
        ("content-length: 99999999999999999999".to_owned(), "400"),
        ("content-type: text/plain\r\ncontent-length: 9".to_owned(), "415"),
        ("content-type: text/plain\r\nexpect: 100-continue\r\ncontent-length: 9".to_owned(), "415"),
        ("content-encoding: gzip\r\ncontent-length: 9".to_owned(), "415"),
        ("content-type: application/xml\r\ntransfer-encoding: chunked".to_owned(), "415"),
        ("expect: a-pony\r\ncontent-length: 9".to_owned(), "417"),
    ] {
        let start = Instant::now();
        let head = format!("PUT /items/books/1 HTTP/1.1\r\nhost: web\r\n{headers}\r\n\r\n");
        let got = exchange(&web.address, &head).await;
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{headers:?}: {got}");
        assert!(start.elapsed() < Duration::from_secs(8), "it waits for no body: {headers:?}");
    }
}

#[tokio::test]
async fn an_expected_100_comes_before_the_body_and_the_answer_after_it() {
    let below = fake_component(async |_| fake_item("below", "books", "1")).await;
    let web = Service::start("web", thin_client_config("below", &below)).await;
    let mut client = RawClient::connect(&web.address).await;
    let head = "PUT /items/books/1 HTTP/1.1\r\nhost: web\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 7\r\n\r\n";
    client.send(head).await;
    assert_eq!(client.read_until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(r#"{"a":1}"#).await;
    assert!(client.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn other_methods_are_405_with_the_ones_that_are_allowed() {
    let web = idle_service().await;
    for (method, path, status) in [
        (Method::POST, "/items/books/1", 405),
        (Method::PATCH, "/items/books/1", 405),
        (Method::PUT, "/summary", 405),
        (Method::OPTIONS, "/items/books/1", 204),
        (Method::OPTIONS, "/summary", 204),
    ] {
        let got = send_request(&web.address, method.clone(), path, &[], "").await;
        assert_eq!(got.status.as_u16(), status, "{method} {path}");
        let allowed = got.headers["allow"].to_str().unwrap();
        assert!(allowed.contains("GET") && allowed.contains("HEAD"), "{method} {path}: {allowed}");
        assert_eq!(allowed.contains("PUT"), path.starts_with("/items/"), "{allowed}");
    }
    let head = send_request(&web.address, Method::HEAD, "/summary", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert!(head.headers.contains_key("content-length"));
}

#[tokio::test]
async fn a_slow_body_is_408_and_no_failure_of_the_component() {
    let web = idle_service().await;
    let mut client = RawClient::connect(&web.address).await;
    let head = "PUT /items/books/1 HTTP/1.1\r\nhost: web\r\nmaquette-deadline-ms: 1\r\n\
                content-length: 7\r\n\r\n{";
    client.send(head).await;
    assert!(client.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 408 "));
    let served = web.runtime.served_traffic.current_traffic();
    assert_eq!((served.requests, served.failures), (1, 0));
}
