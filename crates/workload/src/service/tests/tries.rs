//! Tries of a call: pods that hang or fail behind one address.

use super::*;
use crate::runtime::{CallRequest, EdgeTarget, Upstream, headers::RequestContext};
use axum::http::HeaderValue;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use maquette_contract::{
    ComponentIdentity,
    keys::{HEADER_POD, HEADER_REPEATED, HEADER_REQUEST_ID},
};
use std::{
    convert::Infallible,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

/// Two pods behind one address, as behind a Service: connections lead to them in turns.
#[derive(Default)]
struct TwoPods {
    /// Whether the second pod answers nothing, also no ping.
    hangs: AtomicBool,
    /// Whether it answers everything but pings with 500.
    fails: AtomicBool,
    /// Whether both take 1.3 s for an item, as if their store was slow.
    is_store_slow: AtomicBool,
    /// Requests for the item at each pod.
    requests: [AtomicUsize; 2],
    connections: AtomicUsize,
}

impl TwoPods {
    async fn start() -> (Arc<Self>, Address) {
        let (listener, address) = listen().await;
        let pods = Arc::new(Self::default());
        let serving = Arc::clone(&pods);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let index = serving.connections.fetch_add(1, Ordering::SeqCst) % 2;
                let pods = Arc::clone(&serving);
                let service = service_fn(move |request| Arc::clone(&pods).answer(index, request));
                tokio::spawn(async move {
                    // The client closes its connection: no failure.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        (pods, address)
    }

    async fn answer(
        self: Arc<Self>,
        index: usize,
        request: axum::http::Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let is_bad = index == 1;
        let is_ping = request.uri().path() == "/ping";
        if !is_ping {
            self.requests[index].fetch_add(1, Ordering::SeqCst);
        }
        if is_bad && self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if !is_ping && self.is_store_slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1300)).await;
        }
        let mut response = fake_item("below", "books", "1");
        if is_bad && !is_ping && self.fails.load(Ordering::SeqCst) {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        let pod = HeaderValue::from_str(&format!("below-{index}")).unwrap();
        response.headers_mut().insert(HEADER_POD, pod);
        Ok(response)
    }

    fn requests(&self) -> [usize; 2] {
        [0, 1].map(|index| self.requests[index].load(Ordering::SeqCst))
    }

    /// Sends requests until the second pod is left out.
    async fn wait_until_left_out(&self, web: &Service) {
        let mut quiet = 0;
        let start = Instant::now();
        while quiet < 30 {
            assert!(
                start.elapsed() < TEST_TIMEOUT,
                "the pod is not left out: {:?}",
                self.requests()
            );
            let before = self.requests()[1];
            let sent = (0..4).map(|_| web.get("/items/books/1"));
            futures_util::future::join_all(sent).await;
            quiet = if self.requests()[1] == before { quiet + 1 } else { 0 };
        }
    }
}

#[tokio::test]
async fn a_hung_pod_costs_a_part_of_the_deadline_and_is_then_left_out() {
    let (pods, address) = TwoPods::start().await;
    let web = Service::start("web", thin_client_config("below", &address)).await;
    let warm_up = (0..8).map(|_| web.get("/items/books/1"));
    for got in futures_util::future::join_all(warm_up).await {
        assert_eq!(got.value(), "below");
    }
    pods.hangs.store(true, Ordering::SeqCst);
    let start = Instant::now();
    for got in futures_util::future::join_all((0..8).map(|_| web.get("/items/books/1"))).await {
        assert_eq!(got.value(), "below", "the next try goes to the other pod");
    }
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "the deadline is 10 s: {:?}",
        start.elapsed()
    );
    pods.wait_until_left_out(&web).await;
    let before = pods.requests();
    for _ in 0..20 {
        assert_eq!(web.get("/items/books/1").await.value(), "below");
    }
    assert_eq!(pods.requests(), [before[0] + 20, before[1]]);
}

#[tokio::test]
async fn pods_whose_store_is_slow_are_not_left_out() {
    let (pods, address) = TwoPods::start().await;
    let web = Service::start("web", thin_client_config("below", &address)).await;
    let send_many = || futures_util::future::join_all((0..24).map(|_| web.get("/items/books/1")));
    send_many().await;
    pods.is_store_slow.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(send_many().await.iter().all(|got| got.value() == "below"));
    }
    pods.is_store_slow.store(false, Ordering::SeqCst);
    let before = pods.requests();
    for _ in 0..3 {
        send_many().await;
    }
    let after = pods.requests();
    assert!(after[0] > before[0] && after[1] > before[1], "{before:?} {after:?}");
}

#[tokio::test]
async fn a_pod_that_answers_500_is_left_out() {
    let (pods, address) = TwoPods::start().await;
    let web = Service::start("web", thin_client_config("below", &address)).await;
    futures_util::future::join_all((0..8).map(|_| web.get("/items/books/1"))).await;
    pods.fails.store(true, Ordering::SeqCst);
    pods.wait_until_left_out(&web).await;
    for _ in 0..20 {
        assert_eq!(web.get("/items/books/1").await.value(), "below");
    }
}

#[tokio::test]
async fn a_write_that_the_target_may_have_seen_is_sent_again_as_repeated() {
    let (listener, address) = listen().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let size = stream.read(&mut request).await.unwrap();
            if request[..size].starts_with(b"PUT ") {
                let text = String::from_utf8_lossy(&request[..size]).to_lowercase();
                received.lock().unwrap().push(text);
            } else {
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        }
    });
    let own = ComponentIdentity {
        architecture: "shop".parse().unwrap(),
        uid: None,
        former_uid: None,
        component: component("web"),
    };
    let upstream = Upstream::new(EdgeTarget::new(&own, component("below"), address));
    let context = RequestContext::new_root(Instant::now() + Duration::from_secs(2));
    let id = format!("{HEADER_REQUEST_ID}: {}", context.request_id);
    let path = "/items/books/1".to_owned();
    let call = CallRequest { method: Method::PUT, path, context, body: Bytes::from_static(b"1") };
    upstream.send_with_retries(&call).await.unwrap_err();
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 1, "{seen:?}");
    for (number, request) in seen.iter().enumerate() {
        assert!(request.contains(&id), "{request}");
        assert_eq!(request.contains(HEADER_REPEATED), number > 0, "{request}");
    }
}
