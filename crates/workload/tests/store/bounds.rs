//! Malformed, large or slow input of one client does not affect other clients.

use crate::support::{TestStore, encode_request, expect_reply, read_to_end};
use maquette_workload::{storage::Storage, store::Limits};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// The error that ends a connection after `sent`.
async fn expect_protocol_error(store: &TestStore, sent: &[u8], error: &str) {
    let mut stream = store.connect().await;
    let _ = stream.write_all(sent).await;
    // The client keeps its half open: the store closes the connection.
    assert_eq!(read_to_end(&mut stream).await, format!("-ERR Protocol error: {error}\r\n"));
}

async fn expect_pong(stream: &mut TcpStream) {
    stream.write_all(b"PING\r\n").await.unwrap();
    expect_reply(stream, "+PONG\r\n").await;
}

#[tokio::test]
async fn a_malformed_request_closes_only_its_connection() {
    let store = TestStore::start().await;
    let mut other = store.connect().await;
    expect_protocol_error(&store, b"*x\r\n", "invalid multibulk length").await;
    expect_protocol_error(&store, b"*1\r\n+PING\r\n", "expected '$', got '+'").await;
    expect_protocol_error(&store, b"*1\r\n$-5\r\n", "invalid bulk length").await;
    expect_protocol_error(&store, b"GET 'a\r\n", "unbalanced quotes in request").await;
    expect_pong(&mut other).await;
}

#[tokio::test]
async fn requests_before_a_malformed_one_are_executed_and_answered() {
    let store = TestStore::start().await;
    let replies = store.exchange(b"SET a 1\r\nGET a\r\n*1\r\n!\r\nSET a 2\r\n").await;
    assert_eq!(replies, "+OK\r\n$1\r\n1\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    assert_eq!(store.storage.get(b"a").await.unwrap().as_deref(), Some(b"1".as_slice()));
}

#[tokio::test]
async fn an_oversized_request_closes_only_its_connection() {
    let store = TestStore::start().await;
    let mut other = store.connect().await;
    let large = vec![b'x'; 1024 * 1024];
    expect_protocol_error(&store, b"*2\r\n$3\r\nGET\r\n$1048577\r\n", "invalid bulk length").await;
    expect_protocol_error(&store, b"*1000000\r\n", "invalid multibulk length").await;
    expect_protocol_error(&store, &large, "too big inline request").await;
    let whole = encode_request(&[b"SET", b"k", &large, b"IFEQ", &large, &large]);
    expect_protocol_error(&store, &whole, "a request may have at most 2162688 bytes").await;
    expect_pong(&mut other).await;
    // The largest request that is allowed.
    let compare = encode_request(&[b"SET", b"k", &large, b"IFEQ", &large]);
    let set = encode_request(&[b"SET", b"k", &large]);
    assert_eq!(store.exchange(&[set, compare].concat()).await, "+OK\r\n+OK\r\n");
}

#[tokio::test]
async fn a_request_that_arrives_too_slowly_is_refused() {
    let limits = Limits { request_timeout: Duration::from_millis(100), ..Limits::default() };
    let store = TestStore::start_with_limits(limits).await;
    expect_protocol_error(&store, b"*2\r\n$4\r\nECHO\r\n$9\r\nhal", "the request took too long")
        .await;
    expect_protocol_error(&store, b"PIN", "the request took too long").await;
}

#[tokio::test]
async fn an_idle_connection_between_requests_stays_open() {
    let limits = Limits { request_timeout: Duration::from_millis(50), ..Limits::default() };
    let store = TestStore::start_with_limits(limits).await;
    let mut idle = store.connect().await;
    expect_pong(&mut idle).await;
    expect_protocol_error(&store, b"PIN", "the request took too long").await;
    expect_pong(&mut idle).await;
}

#[tokio::test]
async fn large_requests_wait_for_each_other_but_block_no_small_one() {
    let store =
        TestStore::start_with_limits(Limits { request_memory: 1, ..Limits::default() }).await;
    let large = encode_request(&[b"SET", b"k", &vec![b'x'; 200 * 1024]]);
    let (most, rest) = large.split_at(150 * 1024);
    let mut first = store.connect().await;
    first.write_all(most).await.unwrap();
    let mut second = store.connect().await;
    let mut small = store.connect().await;
    // The first connection holds the only permit by now; small requests are still served.
    expect_pong(&mut small).await;
    let second_done = tokio::spawn(async move {
        second.write_all(&encode_request(&[b"SET", b"l", &vec![b'y'; 200 * 1024]])).await.unwrap();
        expect_reply(&mut second, "+OK\r\n").await;
    });
    expect_pong(&mut small).await;
    first.write_all(rest).await.unwrap();
    expect_reply(&mut first, "+OK\r\n").await;
    second_done.await.unwrap();
}

#[tokio::test]
async fn a_client_that_reads_no_replies_is_dropped_and_blocks_no_other() {
    let limits =
        Limits { reply_memory: 1, flush_timeout: Duration::from_millis(200), ..Limits::default() };
    let store = TestStore::start_with_limits(limits).await;
    let value = vec![b'x'; 1024 * 1024];
    store.storage.put(b"k", value.clone().into()).await.unwrap();
    let mut greedy = store.connect().await;
    // More than the socket buffers hold.
    greedy.write_all(&encode_request(&[b"GET", b"k"]).repeat(100)).await.unwrap();
    // Its first reply has begun, so it holds the only permit.
    greedy.readable().await.unwrap();
    let mut other = store.connect().await;
    expect_pong(&mut other).await;
    // Its permit is released after the time-out, so another large reply can be sent.
    other.write_all(&encode_request(&[b"GET", b"k"])).await.unwrap();
    let whole = [b"$1048576\r\n", value.as_slice(), b"\r\n"].concat();
    expect_reply(&mut other, std::str::from_utf8(&whole).unwrap()).await;
    let got = read_to_end_or_reset(&mut greedy).await;
    assert!(got < 100 * value.len(), "all {got} bytes were buffered");
}

/// The number of bytes received until the connection is closed or reset.
async fn read_to_end_or_reset(stream: &mut TcpStream) -> usize {
    use tokio::io::AsyncReadExt;
    let (mut buffer, mut total) = (vec![0; 65_536], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        total += count;
    }
    total
}

#[tokio::test]
async fn a_connection_above_the_limit_is_refused_with_an_error() {
    let store = TestStore::start_with_limits(Limits {
        connections: 2,
        connections_of_known_callers: 0,
        ..Limits::default()
    })
    .await;
    let (mut first, mut second) = (store.connect().await, store.connect().await);
    expect_pong(&mut first).await;
    expect_pong(&mut second).await;
    let mut third = store.connect().await;
    let refusal = "-ERR max number of clients reached\r\n";
    assert_eq!(read_to_end(&mut third).await, refusal);
    drop(first);
    // A connection is free again once the store has noticed that the first one is closed.
    loop {
        let mut next = store.connect().await;
        next.write_all(b"QUIT\r\n").await.unwrap();
        let mut reply = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut next, &mut reply).await;
        if reply == b"+OK\r\n" {
            break;
        }
    }
    expect_pong(&mut second).await;
}

#[tokio::test]
async fn stopping_answers_received_requests_and_closes_the_file() {
    let store = TestStore::start().await;
    let mut stream = store.connect().await;
    let pipeline = "SET a 1\r\n".repeat(1000);
    stream.write_all(pipeline.as_bytes()).await.unwrap();
    expect_reply(&mut stream, "+OK\r\n").await;
    let directory = store.stop().await;
    // The connection ends after a complete reply.
    let rest = read_to_end(&mut stream).await;
    assert!(rest.ends_with("+OK\r\n") || rest.is_empty(), "{rest:?}");
    let storage = Storage::open(directory.path()).unwrap();
    assert_eq!(storage.get(b"a").await.unwrap().as_deref(), Some(b"1".as_slice()));
}

#[tokio::test]
async fn a_half_sent_request_keeps_no_place_of_known_callers() {
    let limits = Limits {
        connections: 2,
        connections_of_known_callers: 1,
        naming_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let store = TestStore::start_with_limits(limits).await;
    let mut first = store.connect().await;
    expect_pong(&mut first).await;
    for half_sent in [&b""[..], b"*2\r\n$11\r\nMAQU", b"PIN"] {
        let mut second = store.connect().await;
        second.write_all(half_sent).await.unwrap();
        let end = read_to_end(&mut second);
        let end = tokio::time::timeout(Duration::from_secs(20), end).await;
        assert_eq!(end.as_deref(), Ok(""), "{half_sent:?}");
    }
    expect_pong(&mut first).await;
}

#[tokio::test]
async fn a_half_sent_request_makes_room_while_the_store_is_crowded() {
    let limits = Limits {
        connections: 4,
        connections_of_known_callers: 0,
        idle_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let store = TestStore::start_with_limits(limits).await;
    let mut half_sent = vec![];
    for _ in 0..3 {
        let mut stream = store.connect().await;
        stream.write_all(b"*2\r\n$3\r\nGET\r\n$9\r\nab").await.unwrap();
        half_sent.push(stream);
    }
    let end = tokio::time::timeout(Duration::from_secs(20), read_to_end(&mut half_sent[0])).await;
    assert_eq!(end.as_deref(), Ok(""));
}
