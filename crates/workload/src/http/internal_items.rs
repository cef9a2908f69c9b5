//! The paths of the items that a component itself keeps, for the components that migrate them: see
//! [`maquette_contract::internal_api`].
//!
//! The limits are those of users' requests. An answer has no tree: it is the JSON that the contract
//! names, or one line of text with the reason why there is none.

use super::{
    HttpError, LocalItems, Request,
    limits::{receive, required_permits, within_limits},
    metrics::{HttpOperation, InFlightGuard},
    parse::{self, ItemPath, MAX_RECORD_BYTES},
    render,
    routes::{SharedServer, guard_request},
    server::HttpServer,
};
use crate::runtime::{PING_PATH, RoleSettings, wall_millis};
use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use maquette_contract::{
    ItemKey, Record,
    internal_api::{AFTER, ITEMS, SUMMARY},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

type QueryParameters = Result<Query<BTreeMap<String, String>>, QueryRejection>;

/// The paths of the internal port, and the one that probes request.
pub(super) fn internal_router<S: RoleSettings, A: LocalItems<S>>(
    server: Arc<HttpServer<S, A>>,
) -> Router {
    let item = format!("{ITEMS}/{{collection}}/{{id}}");
    Router::new()
        .route(&item, get(get_item::<S, A>).put(put_item::<S, A>))
        .route(ITEMS, get(list_items::<S, A>))
        .route(SUMMARY, get(get_summary::<S, A>))
        .route(PING_PATH, get(async || StatusCode::NO_CONTENT))
        // Not 404, which means that there is no such item.
        .fallback(async || (StatusCode::NOT_IMPLEMENTED, "this port has no such path"))
        .layer(from_fn_with_state(Arc::clone(&server), guard_request::<S, A>))
        .with_state(server)
}

async fn get_item<S: RoleSettings, A: LocalItems<S>>(
    State(server): SharedServer<S, A>,
    path: ItemPath,
    headers: HeaderMap,
) -> Response {
    let exchange = Exchange::start(&server, &headers);
    let work = async {
        let key = parse::parse_key(path)?;
        let record = server.application.read_local(&exchange.request, &key).await?;
        record.map(Json).ok_or_else(|| HttpError::not_found(format!("there is no item {key}")))
    };
    exchange.respond_with(0, work).await
}

async fn put_item<S: RoleSettings, A: LocalItems<S>>(
    State(server): SharedServer<S, A>,
    path: ItemPath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut exchange = Exchange::start(&server, &headers);
    let reading = parse::read_body(body, MAX_RECORD_BYTES);
    let body = receive(&mut exchange.request.context, reading).await;
    let body_bytes = body.as_ref().map_or(0, Bytes::len);
    let work = async {
        let key = parse::parse_key(path)?;
        let record: Record = parse::parse_json(&body?, "a record")?;
        record
            .version
            .check_not_ahead(wall_millis())
            .map_err(|error| HttpError::bad_request(error.to_string()))?;
        server.application.put_local_if_newer(&exchange.request, &key, record).await?;
        Ok(StatusCode::NO_CONTENT)
    };
    exchange.respond_with(body_bytes, work).await
}

async fn list_items<S: RoleSettings, A: LocalItems<S>>(
    State(server): SharedServer<S, A>,
    query: QueryParameters,
    headers: HeaderMap,
) -> Response {
    let exchange = Exchange::start(&server, &headers);
    let work = async {
        let after = parse_after(query)?;
        server.application.list_local(&exchange.request, after.as_ref()).await.map(Json)
    };
    exchange.respond_with(0, work).await
}

/// The key after which a list begins, if one is given.
fn parse_after(query: QueryParameters) -> Result<Option<ItemKey>, HttpError> {
    let Query(parameters) =
        query.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    let Some(text) = parameters.get(AFTER) else { return Ok(None) };
    match ItemKey::parse(text) {
        Some(key) => Ok(Some(key)),
        None => Err(HttpError::bad_request(format!("{AFTER}={text:?} is not the key of an item"))),
    }
}

async fn get_summary<S: RoleSettings, A: LocalItems<S>>(
    State(server): SharedServer<S, A>,
    headers: HeaderMap,
) -> Response {
    let exchange = Exchange::start(&server, &headers);
    let work = async { server.application.summarize_local(&exchange.request).await.map(Json) };
    exchange.respond_with(0, work).await
}

/// A request in flight, counted until it is dropped.
struct Exchange<'a, S: RoleSettings, A: LocalItems<S>> {
    server: &'a HttpServer<S, A>,
    request: Request<S>,
    start: Instant,
    _in_flight: InFlightGuard,
}

impl<'a, S: RoleSettings, A: LocalItems<S>> Exchange<'a, S, A> {
    fn start(server: &'a HttpServer<S, A>, headers: &HeaderMap) -> Self {
        let start = Instant::now();
        Self {
            server,
            request: server.begin_request(headers, start),
            start,
            _in_flight: server.metrics.start_request(),
        }
    }

    async fn respond_with<T: IntoResponse>(
        &self,
        body_bytes: usize,
        work: impl Future<Output = Result<T, HttpError>> + Send,
    ) -> Response {
        let (context, permits) = (&self.request.context, required_permits(body_bytes));
        let outcome = within_limits(&self.server.internal_permits, permits, context, work).await;
        let response = match outcome {
            Ok(answer) => answer.into_response(),
            Err(HttpError { status, message }) => {
                let mut response = (status, message).into_response();
                render::add_retry_after(&mut response);
                response
            }
        };
        let (status, took) = (response.status(), self.start.elapsed());
        self.server.metrics.finish_request(HttpOperation::Internal, status, took);
        response
    }
}
