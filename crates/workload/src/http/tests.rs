//! The limits on requests, with a fake application.

use super::{
    Application, HttpError, HttpServer, PageRequest, Request, limits::required_permits,
    routes::user_router,
};
use crate::backend::{ItemWrite, WrittenItem};
use crate::runtime::{
    ConfigDocument, Edge, Options, Process, RoleSettings, Runtime, Shutdown, headers::DEADLINE,
};
use axum::{
    body::Body,
    http::{Response, StatusCode, header},
};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use maquette_contract::{
    ComponentIdentity, ItemKey, ItemPage, Record, RequestWork, Role, RoleConfig, Summary,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

struct FakeSettings(RequestWork);

impl RoleSettings for FakeSettings {
    const ROLE: Role = Role::Service;

    fn build(_: RoleConfig, _: &ComponentIdentity, _: Option<&Self>) -> Option<Self> {
        Some(Self(RequestWork::default()))
    }

    fn edges(&self) -> Vec<Arc<Edge>> {
        vec![]
    }
}

/// Answers a summary only once the gate is open.
struct Gated(Arc<Semaphore>);

impl Application<FakeSettings> for Gated {
    fn simulated_work(settings: &FakeSettings) -> &RequestWork {
        &settings.0
    }

    async fn read_item(
        &self,
        _: &Request<FakeSettings>,
        key: &ItemKey,
    ) -> Result<Record, HttpError> {
        Err(HttpError::not_found(format!("no {key}")))
    }

    async fn write_item(
        &self,
        _: &Request<FakeSettings>,
        _: &ItemKey,
        _: ItemWrite,
    ) -> Result<WrittenItem, HttpError> {
        Err(HttpError::new(StatusCode::CONFLICT, "reached"))
    }

    async fn list_items(
        &self,
        _: &Request<FakeSettings>,
        _: &PageRequest,
    ) -> Result<ItemPage, HttpError> {
        Err(HttpError::unavailable("not now"))
    }

    async fn gather_summary(&self, _: &Request<FakeSettings>) -> Result<Summary, HttpError> {
        self.0.acquire().await.unwrap().forget();
        Ok(Summary::default())
    }
}

async fn runtime() -> Arc<Runtime<FakeSettings>> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("component.json");
    std::fs::write(&config, r#"{"architecture": "shop", "component": "data", "role": "store"}"#)
        .unwrap();
    let document = ConfigDocument::read(&config).unwrap();
    let options = Options {
        config,
        data: None,
        pod: "shop-data-0".into(),
        listen_ip: [127, 0, 0, 1].into(),
        traffic_port: 0,
        internal_port: 0,
        store_port: 0,
        peers_port: 0,
        admin_port: 0,
    };
    let shutdown = Shutdown::new(Duration::ZERO);
    Runtime::start(Process { options, document, shutdown }).await.unwrap()
}

#[tokio::test]
async fn a_pod_takes_no_more_requests_than_it_has_permits() {
    let runtime = runtime().await;
    let gate = Arc::new(Semaphore::new(0));
    let server = HttpServer::new(Arc::clone(&runtime), Gated(Arc::clone(&gate)), 1);
    let service = TowerToHyperService::new(user_router(server));
    let send = |path: &'static str| {
        let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
        let service = service.clone();
        async move { service.call(request).await.unwrap() }
    };
    let first = tokio::spawn(send("/summary"));
    while runtime.config.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    let second: Response<Body> = send("/summary").await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers()[header::RETRY_AFTER], "1");
    assert_eq!(send("/ping").await.status(), StatusCode::NO_CONTENT, "needs no permit");
    gate.add_permits(2);
    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    assert_eq!(send("/summary").await.status(), StatusCode::OK, "the permit is free again");
    assert_eq!(runtime.served_traffic.current_traffic().failures, 1);
    assert!(runtime.metrics.text().unwrap().contains("maquette_requests_in_flight 0\n"));
}

#[tokio::test]
async fn a_client_that_disconnects_frees_its_permit() {
    let runtime = runtime().await;
    let server = HttpServer::new(Arc::clone(&runtime), Gated(Arc::new(Semaphore::new(0))), 1);
    let service = TowerToHyperService::new(user_router(Arc::clone(&server)));
    let request = axum::http::Request::get("/summary").body(Body::empty()).unwrap();
    let sent = tokio::spawn(async move { service.call(request).await });
    while runtime.config.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    assert_eq!(runtime.config.in_flight(), 0);
    assert_eq!(server.permits.available_permits(), 1);
    assert!(runtime.metrics.text().unwrap().contains("maquette_requests_in_flight 0\n"));
}

#[tokio::test]
async fn a_body_takes_no_permit_before_it_is_there() {
    let gate = Arc::new(Semaphore::new(1));
    let server = HttpServer::new(runtime().await, Gated(Arc::clone(&gate)), 1);
    let service = TowerToHyperService::new(user_router(server));
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let slow = axum::http::Request::put("/items/books/1").body(Body::from_stream(never)).unwrap();
    let slow = tokio::spawn({
        let service = service.clone();
        async move { service.call(slow).await }
    });
    tokio::task::yield_now().await;
    let other = axum::http::Request::get("/summary").body(Body::empty()).unwrap();
    assert_eq!(service.call(other).await.unwrap().status(), StatusCode::OK);
    assert!(!slow.is_finished());
    slow.abort();
}

#[tokio::test]
async fn a_request_whose_deadline_is_near_is_not_begun() {
    let gate = Arc::new(Semaphore::new(1));
    let server = HttpServer::new(runtime().await, Gated(Arc::clone(&gate)), 1);
    let service = TowerToHyperService::new(user_router(server));
    let late = axum::http::Request::get("/summary").header(DEADLINE, "4").body(Body::empty());
    let answer = service.call(late.unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(gate.available_permits(), 1, "the application was not called");
}

#[tokio::test]
async fn a_body_takes_permits_by_its_size_also_if_it_is_chunked() {
    let gate = Arc::new(Semaphore::new(0));
    let server = HttpServer::new(runtime().await, Gated(gate), 20);
    let service = TowerToHyperService::new(user_router(server));
    let (reached, refused) = (StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE);
    // 20 permits are enough for less than 40 KiB.
    for (kibibytes, status) in [(0, reached), (39, reached), (41, refused)] {
        let chunks = [vec!["\"".to_owned()], vec!["x".repeat(1024); kibibytes], vec!["\"".into()]];
        let chunks = chunks.concat().into_iter().map(Ok::<_, std::io::Error>);
        let put = axum::http::Request::put("/items/books/1")
            .header(header::TRANSFER_ENCODING, "chunked")
            .body(Body::from_stream(futures_util::stream::iter(chunks)));
        let answer = service.call(put.unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "{kibibytes} KiB");
    }
}

#[test]
fn a_large_body_takes_more_permits() {
    assert_eq!([0, 100, 65_536].map(required_permits), [1, 1, 33]);
}
