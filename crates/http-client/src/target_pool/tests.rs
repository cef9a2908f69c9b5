//! Pools over raw sockets.

use super::*;
use hyper::header::{HOST, HeaderValue};
use std::sync::atomic::Ordering;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const CALLERS: usize = 100;

fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    request.headers_mut().insert(HOST, HeaderValue::from_static("pod"));
    request
}

fn pool(address: String) -> Arc<TargetPool> {
    let second = Duration::from_secs(1);
    let options = TargetOptions {
        connect: ConnectOptions { connect_timeout: 5 * second, tcp_user_timeout: second },
        idle_timeout: 60 * second,
        max_age: 60 * second,
        pod_header: HeaderName::from_static("pod"),
    };
    TargetPool::new(address, options, request)
}

/// Answers the requests of a connection as the pod `name`.
async fn serve(mut stream: TcpStream, name: String) {
    let mut request = [0; 1024];
    while stream.read(&mut request).await.is_ok_and(|size| size > 0) {
        let answer = format!("HTTP/1.1 200 OK\r\npod: {name}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn exchange(pool: &Arc<TargetPool>) -> Result<Response<Bytes>, ExchangeError> {
    pool.exchange(&Try::default(), request, 100).await
}

#[tokio::test]
async fn no_more_connections_are_opened_than_requests_are_in_flight() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool(listener.local_addr().unwrap().to_string());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, "one".to_owned()));
        }
    });
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let pool = Arc::clone(&pool);
        callers.spawn(async move {
            for _ in 0..20 {
                exchange(&pool).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let opened = accepted.load(Ordering::SeqCst);
    assert!(opened <= CALLERS, "{opened} connections for {CALLERS} callers");
}

#[tokio::test]
async fn idle_connections_that_were_closed_fail_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool(listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        loop {
            // Each connection is closed after its first answer.
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    });
    for _ in 0..50 {
        assert_eq!(exchange(&pool).await.unwrap().status(), StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn a_port_without_a_listener_is_an_error_with_the_cause_and_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool(listener.local_addr().unwrap().to_string());
    drop(listener);
    let error = exchange(&pool).await.unwrap_err();
    assert!(
        matches!(&error, ExchangeError::NotSent(reason) if reason.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_with_a_dead_address_uses_the_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let alive = listener.local_addr().unwrap();
    let pool = pool(alive.to_string());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, "one".to_owned()));
        }
    });
    let dead = SocketAddr::from(([127, 0, 0, 3], alive.port()));
    for _ in 0..4 {
        let opened =
            pool.connect_to_any(&[dead, alive], &[]).await.map(|it| it.connection.remote());
        assert_eq!(opened, Ok(alive));
    }
}

/// A port that refuses each connection would otherwise be tried in a busy loop.
#[tokio::test]
async fn there_is_a_pause_between_rounds_over_addresses_that_fail() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool(listener.local_addr().unwrap().to_string());
    let counter = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&counter);
    tokio::spawn(async move {
        loop {
            // The ping is never answered: the connection is closed at once.
            drop(listener.accept().await.unwrap());
            accepted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let start = Instant::now();
    let avoided = Try::avoiding(vec!["other".into()]);
    pool.exchange(&avoided, request, 100).await.unwrap_err();
    assert_eq!(counter.load(Ordering::SeqCst), 4);
    assert!(start.elapsed() >= Duration::from_millis(20 + 40 + 80), "{:?}", start.elapsed());
}
