//! Commands as Redis answers them, over a plain connection.

use crate::support::{TestStore, encode_request, expect_reply, read_to_end};
use maquette_workload::store::Limits;
use std::time::Duration;
use tokio::{io::AsyncWriteExt, net::TcpStream};

async fn expect(stream: &mut TcpStream, sent: &str, reply: &str) {
    stream.write_all(format!("{sent}\r\n").as_bytes()).await.expect("written");
    expect_reply(stream, reply).await;
}

#[tokio::test]
async fn hello_chooses_the_protocol_of_the_replies() {
    let store = TestStore::start().await;
    let mut stream = store.connect().await;
    expect(&mut stream, "GET none", "$-1\r\n").await;
    let described =
        "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:";
    expect(&mut stream, "HELLO 3 AUTH default x SETNAME me", &format!("%7\r\n{described}3\r\n"))
        .await;
    expect_reply(&mut stream, "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n").await;
    expect_reply(&mut stream, "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n").await;
    expect(&mut stream, "GET none", "_\r\n").await;
    expect(&mut stream, "CLIENT GETNAME", "$2\r\nme\r\n").await;
    expect(&mut stream, "HELLO 4", "-NOPROTO unsupported protocol version\r\n").await;
    expect(&mut stream, "MGET none", "*1\r\n_\r\n").await;
    expect(&mut stream, "HELLO 2", &format!("*14\r\n{described}2\r\n")).await;
}

#[tokio::test]
async fn a_connection_has_an_id_and_a_name() {
    let store = TestStore::start().await;
    let (mut first, mut second) = (store.connect().await, store.connect().await);
    expect(&mut first, "CLIENT ID", ":1\r\n").await;
    expect(&mut second, "CLIENT ID", ":2\r\n").await;
    expect(&mut first, "CLIENT GETNAME", "$-1\r\n").await;
    expect(&mut first, "CLIENT SETNAME worker", "+OK\r\n").await;
    expect(&mut first, "CLIENT SETINFO LIB-NAME lib", "+OK\r\n").await;
    expect(&mut first, "CLIENT GETNAME", "$6\r\nworker\r\n").await;
    let told = store.exchange(b"CLIENT SETNAME x\r\nCLIENT INFO\r\n").await;
    assert!(told.contains("id=3 addr=127.0.0.1:") && told.contains(" name=x "), "{told}");
    expect(&mut second, "SELECT 0", "+OK\r\n").await;
}

#[tokio::test]
async fn keys_expire_for_every_command() {
    let store = TestStore::start().await;
    let mut stream = store.connect().await;
    for (sent, reply) in [
        ("SET a 1 EX 100", "+OK\r\n"),
        ("TTL a", ":100\r\n"),
        ("SET a 2 KEEPTTL", "+OK\r\n"),
        ("TTL a", ":100\r\n"),
        ("SET a 3", "+OK\r\n"),
        ("TTL a", ":-1\r\n"),
        ("TTL none", ":-2\r\n"),
        ("EXPIRE a 50 XX", ":0\r\n"),
        ("EXPIRE a 50 GT", ":0\r\n"),
        ("EXPIRE a 50", ":1\r\n"),
        ("EXPIRE a 60 NX", ":0\r\n"),
        ("EXPIRE a 40 GT", ":0\r\n"),
        ("EXPIRE a 60 GT", ":1\r\n"),
        ("TTL a", ":60\r\n"),
        ("PERSIST a", ":1\r\n"),
        ("PERSIST a", ":0\r\n"),
        ("EXPIREAT a 4102444800", ":1\r\n"),
        ("EXPIRETIME a", ":4102444800\r\n"),
        ("PEXPIRETIME a", ":4102444800000\r\n"),
        ("SET b 1 PXAT 1", "+OK\r\n"),
        ("GET b", "$-1\r\n"),
        ("EXISTS b", ":0\r\n"),
        ("MGET b", "*1\r\n$-1\r\n"),
        ("TYPE b", "+none\r\n"),
        ("STRLEN b", ":0\r\n"),
        ("SCAN 0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n"),
        ("KEYS *", "*1\r\n$1\r\na\r\n"),
        ("DEL b", ":0\r\n"),
        ("SET b 2 NX", "+OK\r\n"),
        ("TTL b", ":-1\r\n"),
        ("EXPIRE b -1", ":1\r\n"),
        ("GET b", "$-1\r\n"),
        ("SETEX c 0 x", "-ERR invalid expire time in 'setex' command\r\n"),
        ("SETEX c 10 x", "+OK\r\n"),
        ("GETDEL c", "$1\r\nx\r\n"),
        ("SETNX c y", ":1\r\n"),
        ("SETNX c z", ":0\r\n"),
    ] {
        expect(&mut stream, sent, reply).await;
    }
}

#[tokio::test]
async fn an_expired_key_is_removed_from_the_disk_and_a_time_survives_a_restart() {
    let store = TestStore::start().await;
    store.exchange(b"SET kept 1 EX 1000\r\nSET gone 1 PX 1\r\n").await;
    assert_eq!(store.storage.expiring_count(), 2);
    while store.storage.item_count() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.storage.expiring_count(), 1);
    let directory = store.stop().await;
    let storage = maquette_workload::storage::Storage::open(directory.path()).unwrap();
    assert!(storage.expiry(b"kept").await.unwrap().unwrap().is_some());
    assert_eq!(storage.expiring_count(), 1);
}

#[tokio::test]
async fn a_transaction_is_one_commit_and_fails_after_a_change_of_a_watched_key() {
    let store = TestStore::start().await;
    let (mut stream, mut other) = (store.connect().await, store.connect().await);
    let queued = "+QUEUED\r\n";
    for (sent, reply) in [
        ("EXEC", "-ERR EXEC without MULTI\r\n"),
        ("DISCARD", "-ERR DISCARD without MULTI\r\n"),
        ("MSET a 1 b 2", "+OK\r\n"),
        ("MULTI", "+OK\r\n"),
        ("MULTI", "-ERR MULTI calls can not be nested\r\n"),
        ("WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n"),
        ("SET a 3", queued),
        ("GET a", queued),
        ("DISCARD", "+OK\r\n"),
        ("GET a", "$1\r\n1\r\n"),
        ("MULTI", "+OK\r\n"),
        ("SET a", "-ERR wrong number of arguments for 'set' command\r\n"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"),
        ("MULTI", "+OK\r\n"),
        ("KEYS *", "-ERR Command not allowed inside a transaction\r\n"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"),
    ] {
        expect(&mut stream, sent, reply).await;
    }
    let commits = store.storage.commit_count();
    for sent in ["SET a 3", "GET a", "DEL b", "EXPIRE a 9", "TTL a", "PING"] {
        if sent == "SET a 3" {
            expect(&mut stream, "WATCH a b", "+OK\r\n").await;
            expect(&mut stream, "MULTI", "+OK\r\n").await;
        }
        expect(&mut stream, sent, queued).await;
    }
    expect(&mut stream, "EXEC", "*6\r\n+OK\r\n$1\r\n3\r\n:1\r\n:1\r\n:9\r\n+PONG\r\n").await;
    assert_eq!(store.storage.commit_count(), commits + 1);

    expect(&mut stream, "WATCH a", "+OK\r\n").await;
    expect(&mut other, "SET a 3", "+OK\r\n").await;
    expect(&mut stream, "MULTI", "+OK\r\n").await;
    expect(&mut stream, "SET a 4", queued).await;
    expect(&mut stream, "EXEC", "*-1\r\n").await;
    expect(&mut stream, "GET a", "$1\r\n3\r\n").await;
    expect(&mut stream, "WATCH a", "+OK\r\n").await;
    expect(&mut other, "SET a 5", "+OK\r\n").await;
    expect(&mut stream, "UNWATCH", "+OK\r\n").await;
    expect(&mut stream, "MULTI", "+OK\r\n").await;
    expect(&mut stream, "SET a 4", queued).await;
    expect(&mut stream, "EXEC", "*1\r\n+OK\r\n").await;
}

#[tokio::test]
async fn the_writes_of_a_pipeline_are_one_commit_and_see_each_other() {
    let store = TestStore::start().await;
    let before = store.storage.commit_count();
    let sent = "SET a 1\r\nSET a 2 NX\r\nSET a 3 IFEQ 1\r\nSET b 4\r\nDEL b b\r\nSET c 5\r\n";
    let replies = store.exchange(format!("{sent}GET a\r\nGET b\r\n").as_bytes()).await;
    assert_eq!(replies, "+OK\r\n$-1\r\n+OK\r\n+OK\r\n:1\r\n+OK\r\n$1\r\n3\r\n$-1\r\n");
    assert_eq!(store.storage.commit_count(), before + 1);
}

#[tokio::test]
async fn a_scan_by_type_finds_strings_only() {
    let store = TestStore::start().await;
    let mut stream = store.connect().await;
    expect(&mut stream, "SET a 1", "+OK\r\n").await;
    expect(&mut stream, "SCAN 0 TYPE string", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n").await;
    expect(&mut stream, "SCAN 0 TYPE hash", "*2\r\n$1\r\n0\r\n*0\r\n").await;
    expect(&mut stream, "TYPE a", "+string\r\n").await;
}

#[tokio::test]
async fn the_keys_of_a_reply_are_bounded() {
    let store = TestStore::start().await;
    let key = |number: usize| format!("{number:01000}");
    for page in 0..20 {
        let mut request = vec![b"MSET".to_vec()];
        for number in page * 100..page * 100 + 100 {
            request.extend([key(number).into_bytes(), b"".to_vec()]);
        }
        let parts: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
        assert_eq!(store.exchange(&encode_request(&parts)).await, "+OK\r\n");
    }
    let refused = store.exchange(b"KEYS *\r\n").await;
    assert!(refused.starts_with("-ERR more keys match than the 1"), "{refused}");
    let pattern = format!("KEYS {}\r\n", key(7));
    assert!(store.exchange(pattern.as_bytes()).await.starts_with("*1\r\n$1000\r\n"));
}

#[tokio::test]
async fn a_request_of_a_browser_is_not_executed() {
    let store = TestStore::start().await;
    for head in ["POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: store:6379\r\n"] {
        let mut stream = store.connect().await;
        stream.write_all(format!("{head}\r\nSET a evil\r\n").as_bytes()).await.unwrap();
        let replies = read_to_end_lossy(&mut stream).await;
        assert!(!replies.contains("+OK"), "{replies}");
        assert_eq!(store.storage.get(b"a").await.unwrap(), None);
    }
}

/// All that is received until the connection is closed or reset.
async fn read_to_end_lossy(stream: &mut TcpStream) -> String {
    use tokio::io::AsyncReadExt;
    let mut replies = Vec::new();
    let _ = stream.read_to_end(&mut replies).await;
    String::from_utf8_lossy(&replies).into_owned()
}

#[tokio::test]
async fn idle_connections_make_room_for_others() {
    let limits = Limits {
        connections: 8,
        connections_of_known_callers: 2,
        idle_timeout: Duration::from_millis(100),
        naming_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let store = TestStore::start_with_limits(limits).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        let mut stream = store.connect().await;
        expect(&mut stream, "PING", "+PONG\r\n").await;
        idle.push(stream);
    }
    // Only known callers get the last places.
    let mut stranger = store.connect().await;
    stranger.write_all(b"PING\r\n").await.unwrap();
    assert_eq!(read_to_end(&mut stranger).await, "-ERR max number of clients reached\r\n");
    let mut known = store.connect().await;
    expect(&mut known, "MAQUETTE.TO the-uid/data", "+OK\r\n").await;
    // The idle ones end, the known one does not.
    for mut stream in idle {
        assert_eq!(read_to_end(&mut stream).await, "");
        if stream_count(&store).await < 6 {
            break;
        }
    }
    expect(&mut known, "PING", "+PONG\r\n").await;
    let mut next = store.connect().await;
    expect(&mut next, "PING", "+PONG\r\n").await;
}

/// The open connections, without the one that asks.
async fn stream_count(store: &TestStore) -> usize {
    let info = store.exchange(b"MAQUETTE.TO the-uid/data\r\nINFO clients\r\n").await;
    let count = info.lines().find_map(|line| line.strip_prefix("connected_clients:"));
    count.expect("a count").trim().parse::<usize>().expect("a number") - 1
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let limits = Limits { connections_of_one_address: 2, ..Limits::default() };
    let store = TestStore::start_with_limits(limits).await;
    let (mut first, mut second) = (store.connect().await, store.connect().await);
    expect(&mut first, "PING", "+PONG\r\n").await;
    expect(&mut second, "PING", "+PONG\r\n").await;
    let mut third = store.connect().await;
    assert_eq!(read_to_end(&mut third).await, "-ERR max number of clients reached\r\n");
}
