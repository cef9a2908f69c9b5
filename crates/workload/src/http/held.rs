//! The paths of what a component itself holds, for the components that take it over: see
//! [`maquette_contract::held`].
//!
//! The same limits hold as for users' requests. An answer has no tree: it is what the path says, or
//! a line of text that says why there is none.

use super::{
    Failure, Front, Held, Request,
    ask::{self, MAX_RECORD},
    metrics::{Operation, UnderWay},
    render,
    routes::{ItemPath, Shared, places, within_limits},
};
use crate::runtime::headers::Context;
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

type Parameters = Result<Query<BTreeMap<String, String>>, QueryRejection>;

pub(super) fn routes<A: Held>() -> Router<Arc<Front<A>>> {
    Router::new()
        .route(&format!("{ITEMS}/{{collection}}/{{id}}"), get(get_item::<A>).put(put_item::<A>))
        .route(ITEMS, get(list::<A>))
        .route(SUMMARY, get(summary::<A>))
}

async fn get_item<A: Held>(front: Shared<A>, path: ItemPath, headers: HeaderMap) -> Response {
    let exchange = Exchange::begin(&front, &headers);
    let work = async {
        let key = ask::key(path.map(|Path(path)| path))?;
        let record = front.application.held(&exchange.request, &key).await?;
        record.map(Json).ok_or_else(|| Failure::missing(format!("there is no item {key}")))
    };
    exchange.answer(work).await
}

async fn put_item<A: Held>(
    front: Shared<A>,
    path: ItemPath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let exchange = Exchange::begin(&front, &headers);
    let work = async {
        let key = ask::key(path.map(|Path(path)| path))?;
        let record = ask::json(body, MAX_RECORD, "a record").await?;
        front.application.keep(&exchange.request, &key, record).await?;
        Ok(StatusCode::NO_CONTENT)
    };
    exchange.answer(work).await
}

async fn list<A: Held>(front: Shared<A>, query: Parameters, headers: HeaderMap) -> Response {
    let exchange = Exchange::begin(&front, &headers);
    let work = async {
        let after = after(query)?;
        front.application.list(&exchange.request, after.as_ref()).await.map(Json)
    };
    exchange.answer(work).await
}

/// The key after which a list begins, if one is given.
fn after(query: Parameters) -> Result<Option<ItemKey>, Failure> {
    let Query(query) = query.map_err(|rejection| Failure::invalid(rejection.body_text()))?;
    let Some(text) = query.get(AFTER) else { return Ok(None) };
    let key = ItemKey::parse(text);
    key.map(Some).ok_or_else(|| Failure::invalid(format!("{AFTER}={text:?} is no item's key")))
}

async fn summary<A: Held>(front: Shared<A>, headers: HeaderMap) -> Response {
    let exchange = Exchange::begin(&front, &headers);
    let work = async { front.application.held_summary(&exchange.request).await.map(Json) };
    exchange.answer(work).await
}

/// A request under way and what is to be counted of it.
struct Exchange<'a, A: Held> {
    front: &'a Front<A>,
    request: Request<A::Settings>,
    /// How many it takes.
    places: u32,
    start: Instant,
    _under_way: UnderWay,
}

impl<'a, A: Held> Exchange<'a, A> {
    fn begin(front: &'a Front<A>, headers: &HeaderMap) -> Self {
        let start = Instant::now();
        let context = Context::from_headers(headers, start);
        let request = Request::new(front.runtime.config.begin(), context);
        Self { front, request, places: places(headers), start, _under_way: front.metrics.begin() }
    }

    async fn answer<T: IntoResponse>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Response {
        let context = &self.request.context;
        let outcome = within_limits(&self.front.places_held, self.places, context, work).await;
        let response = match outcome {
            Ok(answer) => answer.into_response(),
            Err(Failure { status, message }) => {
                let mut response = (status, message).into_response();
                render::say_when_to_try_again(&mut response);
                response
            }
        };
        self.front.metrics.end(Operation::Held, response.status(), self.start.elapsed());
        response
    }
}
