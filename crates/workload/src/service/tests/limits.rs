//! Deadlines, hops, traces and malformed requests.

use super::*;
use crate::runtime::headers::{DEADLINE, HOPS, MAX_HOPS, TRACEPARENT, TRACESTATE, X_REQUEST_ID};
use maquette_contract::keys::{HEADER_POD, HEADER_RECIPIENT, HEADER_WAITING_READ};
use std::sync::Mutex;

#[tokio::test]
async fn a_slow_component_causes_504_and_the_tree_names_it() {
    let slow = fake_component(async |_| std::future::pending().await).await;
    let business = Service::start("business", thin_client_config("slow", &slow)).await;
    let client = Service::start("client", thin_client_config("business", &business.address)).await;
    let got = client.get_with("/summary", &[(DEADLINE, "4000")]).await;
    let error = got.error(StatusCode::GATEWAY_TIMEOUT);
    assert!(error.starts_with(&format!("slow: {slow} did not answer within ")), "{error}");
    let trace = got.answer().trace;
    let business = &trace.calls[0];
    assert_eq!(business.pod, "shop-business-1", "the component in between answers itself");
    let slow = &business.calls[0];
    assert_eq!((&slow.component, &*slow.pod), (&component("slow"), ""));
    assert!(slow.error.is_some());
    assert!(slow.micros < business.micros && business.micros < trace.micros);
}

#[tokio::test]
async fn the_processing_time_counts_against_the_deadline() {
    let time = maquette_contract::ProcessingTime {
        p50_micros: 60_000_000,
        p90_micros: 60_000_000,
        p99_micros: 60_000_000,
    };
    let work = RequestWork { processing_time: Some(time), response_bytes: 0 };
    let web = Service::start("web", ServiceConfig { work, ..idle_config() }).await;
    let got = web.get_with("/summary", &[(DEADLINE, "50")]).await;
    let error = got.error(StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(error, "the request did not end before its deadline");
}

#[tokio::test]
async fn answers_are_padded_to_the_size_configured() {
    let work = RequestWork { processing_time: None, response_bytes: 3_000 };
    let web = Service::start("web", ServiceConfig { work, ..idle_config() }).await;
    assert_eq!(web.get("/summary").await.body.len(), 3_000);
}

#[tokio::test]
async fn calls_in_a_circle_end_with_508() {
    let at = listen().await;
    let config = thin_client_config("web", &at.1.clone());
    let web = Service::start_at(at, "web", config).await;
    let (named, hops) = ((HEADER_RECIPIENT, "the-uid/web"), (MAX_HOPS - 5).to_string());
    let got = web.get_with("/items/books/1", &[named, (HOPS, &hops)]).await;
    let error = got.error(StatusCode::LOOP_DETECTED);
    assert!(error.ends_with("the calls form a cycle"), "{error}");
    let mut hops = 0;
    let mut tree = &got.answer().trace;
    while let Some(below) = tree.calls.first() {
        tree = below;
        hops += 1;
    }
    assert_eq!(hops, 5);
}

#[tokio::test]
async fn trace_deadline_and_hops_are_forwarded() {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let below = {
        let seen = Arc::clone(&seen);
        fake_component(move |request: Request| {
            *seen.lock().unwrap() = request.headers().clone();
            async { fake_summary("below", &[]) }
        })
        .await
    };
    let web = Service::start("web", thin_client_config("below", &below)).await;
    let header = |name: &str| seen.lock().unwrap()[name].to_str().unwrap().to_owned();

    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let state = (TRACESTATE, "congo=t61rcWkgMzE");
    let named = (HEADER_RECIPIENT, "the-uid/web");
    let given = [(TRACEPARENT, parent), state, (DEADLINE, "5000"), (HOPS, "3"), named];
    web.get_with("/summary", &given).await.counts();
    assert_eq!((header(TRACEPARENT), header(TRACESTATE)), (parent.to_owned(), state.1.to_owned()));
    assert_eq!(header(HOPS), "4");
    let left: u64 = header(DEADLINE).parse().unwrap();
    assert!((1000..=4750).contains(&left), "{left}");

    // A user's header is bounded: it makes no component fail.
    let given = [(TRACEPARENT, "nonsense"), (DEADLINE, "1"), (HOPS, "32")];
    web.get_with("/summary", &given).await.counts();
    assert!(!seen.lock().unwrap().contains_key(TRACEPARENT));
    assert_eq!(header(HOPS), "1");
}

#[tokio::test]
async fn each_hop_has_the_id_of_the_request_and_so_has_the_answer() {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let recorder = Arc::clone(&seen);
    let below = fake_component(move |request: Request| {
        *recorder.lock().unwrap() = request.headers().clone();
        async { fake_summary("below", &[]) }
    })
    .await;
    let web = Service::start("web", thin_client_config("below", &below)).await;
    let got = web.get_with("/summary", &[(X_REQUEST_ID, "mine-1")]).await;
    assert_eq!(got.headers[X_REQUEST_ID], "mine-1");
    assert_eq!(seen.lock().unwrap()[X_REQUEST_ID], "mine-1");
    for given in [&[][..], &[(X_REQUEST_ID, "not { plain }")]] {
        let got = web.get_with("/summary", given).await;
        let drawn = got.headers[X_REQUEST_ID].to_str().unwrap();
        assert_eq!((drawn.len(), drawn.contains(' ')), (32, false), "{drawn}");
        assert_eq!(seen.lock().unwrap()[X_REQUEST_ID], drawn);
    }
    assert_eq!(web.get("/nowhere").await.headers[X_REQUEST_ID].len(), 32, "errors have one too");
    assert_eq!(web.get("/ping").await.headers[HEADER_POD], "shop-web-1");
}

#[tokio::test]
async fn a_waiting_read_that_fails_is_no_traffic() {
    let failing = fake_component(async |_| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let below = Service::start("below", thin_client_config("failing", &failing)).await;
    let web = Service::start("web", thin_client_config("below", &below.address)).await;
    // Of the answered requests and of the edge: requests and failures.
    let counts = |service: &Service| {
        let edge = service.runtime.observations().edges[0].traffic;
        let served = service.runtime.served_traffic.current_traffic();
        [(served.requests, served.failures), (edge.requests, edge.failures)]
    };
    let got = web
        .get_with(
            "/items/books/7",
            &[(HEADER_WAITING_READ, "1"), (HEADER_RECIPIENT, "the-uid/web")],
        )
        .await;
    assert!(got.status.is_server_error(), "{}", got.text());
    assert_eq!([counts(&web), counts(&below)], [[(0, 0); 2]; 2]);
    let got = web.get("/items/books/7").await;
    assert!(got.status.is_server_error(), "{}", got.text());
    assert_eq!([counts(&web), counts(&below)], [[(1, 1); 2]; 2]);
}

#[tokio::test]
async fn malformed_requests_are_refused_with_the_reason() {
    let web = Service::start("web", idle_config()).await;
    let check = async |method: Method, path: &str, body: &str, status: u16, reason: &str| {
        let got = send_request(&web.address, method, path, &[], body).await;
        let error = got.error(StatusCode::from_u16(status).unwrap());
        assert!(error.contains(reason), "{path}: {error}");
        assert_eq!(got.answer().trace.error, Some(error), "errors carry the tree as well");
        assert_eq!(got.answer().trace.pod, "shop-web-1");
    };
    let long = "x".repeat(129);
    let large = format!("\"{}\"", "x".repeat(64 << 10));
    check(Method::GET, "/items/Books/1", "", 400, "collection \"Books\" must be").await;
    check(Method::GET, &format!("/items/books/{long}"), "", 400, "must be 1 to 128").await;
    check(Method::GET, "/items/books/a%2Fb", "", 400, "id \"a/b\" must be").await;
    check(Method::GET, "/items/books/%ff", "", 400, "UTF-8").await;
    check(Method::PUT, "/items/books/1", "{", 400, "the value is not JSON: ").await;
    check(Method::PUT, "/items/books/1", "", 400, "the value is empty").await;
    check(Method::PUT, "/items/books/1", &large, 413, "larger than 65536 bytes").await;
    check(Method::GET, "/items", "", 404, "GET /items/{collection}/{id}").await;
    check(Method::GET, "/nowhere", "", 404, "/nowhere does not exist").await;
    check(Method::POST, "/items/books/1", "", 405, "/items/books/1 does not accept POST").await;
    check(Method::PUT, "/summary", "", 405, "GET /summary").await;
}

#[tokio::test]
async fn accept_text_plain_gives_text() {
    let below = fake_component(async |_| fake_item("below", "books", "1")).await;
    let web = Service::start("web", thin_client_config("below", &below)).await;
    let got = web.get_with("/items/books/1", &[("accept", "text/plain")]).await;
    assert_eq!(got.headers["content-type"], "text/plain; charset=utf-8");
    assert!(got.text().starts_with("item books/1, version 1.0.fake\n\"below\"\n\nweb [service] "));
    assert!(got.text().contains("\n└── below [service] shop-below-1, "));
    let index = web.get("/").await;
    assert!(index.text().starts_with("This is pod shop-web-1 of the service web in the Maquette"));
    assert_eq!(web.get("/ping").await.status, StatusCode::NO_CONTENT);
}
