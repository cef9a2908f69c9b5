//! The bounds of connections, over raw sockets.

use super::{
    connections::{BEGUN_HEAD_TIMEOUT, MAX_INCOMPLETE_BODY_BYTES},
    *,
};
use axum::routing::{get, put};
use bytes::Bytes;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MAX: usize = 8;
const PING: &[u8] = b"GET /ping HTTP/1.1\r\nhost: a\r\n\r\n";

async fn start_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/ping", get(async || StatusCode::NO_CONTENT))
        .route("/body", put(async |body: Bytes| body.len().to_string()))
        .route("/never", get(async || std::future::pending::<()>().await));
    tokio::spawn(async move {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        serve_connections(listener, router, &shutdown, constant_settings(), MAX).await;
    });
    address
}

async fn connect(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Whether the connection is closed within this time.
async fn closes(stream: &mut TcpStream, within: Duration) -> bool {
    let mut rest = Vec::new();
    // An error is a reset: closed as well.
    timeout(within, stream.read_to_end(&mut rest)).await.is_ok()
}

async fn assert_answers(address: SocketAddr) {
    let mut stream = connect(address, PING).await;
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    timeout(Duration::from_secs(20), read).await.expect("an answer").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
}

#[tokio::test]
async fn a_port_full_of_half_open_heads_answers_others() {
    let address = start_server().await;
    let mut half_open = vec![];
    for bytes in
        [&b"GET /pi"[..], b"", b"PUT /body HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1"]
    {
        for _ in 0..2 * MAX {
            half_open.push(connect(address, bytes).await);
        }
        assert_answers(address).await;
    }
    assert!(closes(&mut half_open[0], Duration::from_secs(20)).await, "the oldest first");
}

#[tokio::test]
async fn a_request_in_flight_is_not_closed_for_others() {
    let address = start_server().await;
    let mut in_flight = connect(address, b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut idle = vec![];
    for _ in 0..3 * MAX {
        idle.push(connect(address, b"").await);
    }
    assert_answers(address).await;
    assert!(!closes(&mut in_flight, Duration::from_millis(50)).await);
}

#[tokio::test]
async fn a_begun_head_has_5_s_and_an_idle_connection_more() {
    let address = start_server().await;
    let (mut idle, start) = (connect(address, PING).await, Instant::now());
    let mut begun = connect(address, b"GET /ping HTTP/1.1\r\n").await;
    let mut second = connect(address, PING).await;
    second.read_exact(&mut [0; 12]).await.unwrap();
    second.write_all(b"GET ").await.unwrap();
    assert!(closes(&mut begun, Duration::from_secs(30)).await);
    assert!(closes(&mut second, Duration::from_secs(30)).await, "also of a later request");
    assert!(start.elapsed() >= BEGUN_HEAD_TIMEOUT, "{:?}", start.elapsed());
    idle.write_all(PING).await.unwrap();
    assert!(!closes(&mut idle, Duration::from_millis(50)).await);
}

#[tokio::test]
async fn no_more_uploads_are_cut_than_the_bound_needs() {
    const UPLOADS: usize = 7;
    let (address, part) = (start_server().await, vec![b'x'; MAX_INCOMPLETE_BODY_BYTES / 4 - 1000]);
    let head =
        |length| format!("PUT /body HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let mut uploads = vec![];
    for number in 0..UPLOADS {
        // The first has the fewest bytes: to cut it frees nothing.
        let sent = if number == 0 { &part[..10] } else { &part[..part.len() / 2] };
        let mut stream = connect(address, head(part.len()).as_bytes()).await;
        stream.write_all(sent).await.unwrap();
        uploads.push((stream, sent.len()));
    }
    // Six halves of a quarter are within the bound; of whole quarters, four are.
    for (stream, sent) in &mut uploads[1..] {
        // The server may have closed it.
        let _ = stream.write_all(&part[*sent..part.len() - 1]).await;
        sleep(Duration::from_millis(100)).await;
    }
    let mut answered = 0;
    for (mut stream, sent) in uploads {
        let rest = if sent == 10 { &part[10..] } else { &part[part.len() - 1..] };
        let (mut answer, whole) = ([0; 12], stream.write_all(rest).await);
        let read = timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await.unwrap();
        let is_answered = whole.is_ok() && read.is_ok() && &answer == b"HTTP/1.1 200";
        assert!(is_answered || sent > 10, "an upload of 10 bytes was cut");
        answered += usize::from(is_answered);
    }
    assert!(answered >= 4, "only {answered} of 7 uploads were answered; 2 had to be cut");
}

#[tokio::test]
async fn uploads_that_stand_still_do_not_cut_one_that_grows() {
    const STANDING: usize = 6;
    let address = start_server().await;
    let body = vec![b'x'; 1_900_000];
    let head = format!("PUT /body HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut standing = vec![];
    for _ in 0..STANDING {
        let mut stream = connect(address, head.as_bytes()).await;
        stream.write_all(&body[..MAX_INCOMPLETE_BODY_BYTES / STANDING - 20_000]).await.unwrap();
        standing.push(stream);
    }
    // It crosses the bound while it is small, and again when it is larger than each other one.
    let mut stream = connect(address, head.as_bytes()).await;
    stream.write_all(&body).await.expect("it is not cut");
    let mut answer = [0; 12];
    timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}
