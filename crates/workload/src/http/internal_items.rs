//! The paths of what a component itself holds, for the components that take it over: see
//! [`maquette_contract::held`].
//!
//! The same limits hold as for users' requests. An answer has no tree: it is what the path says, or
//! a line of text that says why there is none.

use super::{
    HttpError, HttpServer, LocalItems, Request,
    metrics::{HttpOperation, InFlightGuard},
    parse::{self, MAX_RECORD_BYTES},
    render,
    routes::{ItemPath, SharedServer, required_permits, within_limits},
};
use crate::runtime::headers::RequestContext;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use maquette_contract::{
    ItemKey,
    internal_api::{AFTER, ITEMS, SUMMARY},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

type QueryParameters = Result<Query<BTreeMap<String, String>>, QueryRejection>;

pub(super) fn internal_routes<A: LocalItems>() -> Router<Arc<HttpServer<A>>> {
    Router::new()
        .route(&format!("{ITEMS}/{{collection}}/{{id}}"), get(get_item::<A>).put(put_item::<A>))
        .route(ITEMS, get(list_items::<A>))
        .route(SUMMARY, get(get_summary::<A>))
}

async fn get_item<A: LocalItems>(
    front: SharedServer<A>,
    path: ItemPath,
    headers: HeaderMap,
) -> Response {
    let exchange = Exchange::start(&front, &headers);
    let work = async {
        let key = parse::parse_key(path.map(|Path(path)| path))?;
        let record = front.application.read_local(&exchange.request, &key).await?;
        record.map(Json).ok_or_else(|| HttpError::not_found(format!("there is no item {key}")))
    };
    exchange.respond_with(work).await
}

async fn put_item<A: LocalItems>(
    front: SharedServer<A>,
    path: ItemPath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let exchange = Exchange::start(&front, &headers);
    let work = async {
        let key = parse::parse_key(path.map(|Path(path)| path))?;
        let record = parse::read_json(body, MAX_RECORD_BYTES, "a record").await?;
        front.application.put_local_if_newer(&exchange.request, &key, record).await?;
        Ok(StatusCode::NO_CONTENT)
    };
    exchange.respond_with(work).await
}

async fn list_items<A: LocalItems>(
    front: SharedServer<A>,
    query: QueryParameters,
    headers: HeaderMap,
) -> Response {
    let exchange = Exchange::start(&front, &headers);
    let work = async {
        let after = parse_after(query)?;
        front.application.list_local(&exchange.request, after.as_ref()).await.map(Json)
    };
    exchange.respond_with(work).await
}

/// The key after which a list begins, if one is given.
fn parse_after(query: QueryParameters) -> Result<Option<ItemKey>, HttpError> {
    let Query(query) = query.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    let Some(text) = query.get(AFTER) else { return Ok(None) };
    let key = ItemKey::parse(text);
    key.map(Some)
        .ok_or_else(|| HttpError::bad_request(format!("{AFTER}={text:?} is no item's key")))
}

async fn get_summary<A: LocalItems>(front: SharedServer<A>, headers: HeaderMap) -> Response {
    let exchange = Exchange::start(&front, &headers);
    let work = async { front.application.summarize_local(&exchange.request).await.map(Json) };
    exchange.respond_with(work).await
}

/// A request under way and what is to be counted of it.
struct Exchange<'a, A: LocalItems> {
    front: &'a HttpServer<A>,
    request: Request<A::Settings>,
    /// How many it takes.
    permits: u32,
    start: Instant,
    _in_flight: InFlightGuard,
}

impl<'a, A: LocalItems> Exchange<'a, A> {
    fn start(front: &'a HttpServer<A>, headers: &HeaderMap) -> Self {
        let start = Instant::now();
        let context = RequestContext::from_headers(headers, start);
        let request = Request::new(front.runtime.config.begin_request(), context);
        Self {
            front,
            request,
            permits: required_permits(headers),
            start,
            _in_flight: front.metrics.start_request(),
        }
    }

    async fn respond_with<T: IntoResponse>(
        &self,
        work: impl Future<Output = Result<T, HttpError>> + Send,
    ) -> Response {
        let context = &self.request.context;
        let outcome =
            within_limits(&self.front.internal_permits, self.permits, context, work).await;
        let response = match outcome {
            Ok(answer) => answer.into_response(),
            Err(HttpError { status, message }) => {
                let mut response = (status, message).into_response();
                render::add_retry_after(&mut response);
                response
            }
        };
        self.front.metrics.finish_request(
            HttpOperation::Internal,
            response.status(),
            self.start.elapsed(),
        );
        response
    }
}
