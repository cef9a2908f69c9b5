//! The paths, and the way of a request from its arrival to its answer.

use super::{
    Application, Failure, Front, Request,
    ask::{self, Ask, BODY_OF_A_PLACE, MAX_BODY, MAX_RECORD},
    metrics::Operation,
    render::{self, Form},
};
use crate::runtime::{
    Settings,
    headers::{Context, TooManyHops},
    latency_model,
};
use axum::{
    Router,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, Method, StatusCode, Uri,
        header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    },
    response::Response,
    routing::get,
};
use maquette_contract::{Answer, ItemKey, Outcome, Record, ResponseTree};
use std::sync::Arc;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

/// What one can ask, for a person.
const PATHS: &str = "\
GET /items/{collection}/{id}   read an item
PUT /items/{collection}/{id}   write an item; the body is its value, any JSON
GET /summary             gather from all who keep information
GET /ping                204 if this pod answers at all";

pub(super) type Shared<A> = State<Arc<Front<A>>>;
pub(super) type ItemPath = Result<Path<(String, String)>, PathRejection>;

/// The paths of users, and `others`.
pub(super) fn router<A: Application>(
    front: Arc<Front<A>>,
    others: Router<Arc<Front<A>>>,
) -> Router {
    Router::new()
        .route("/", get(index::<A>))
        .route("/ping", get(async || StatusCode::NO_CONTENT))
        .route("/items/{collection}/{id}", get(get_item::<A>).put(put_item::<A>))
        .route("/summary", get(get_summary::<A>))
        .merge(others)
        .fallback(unknown_path::<A>)
        .method_not_allowed_fallback(unknown_method::<A>)
        .with_state(front)
}

async fn index<A: Application>(State(front): Shared<A>) -> String {
    let loaded = front.runtime.config.current();
    let (component, architecture) = (&loaded.component, &loaded.architecture);
    let (role, pod) = (A::Settings::ROLE, &front.runtime.options.pod);
    format!(
        "This is pod {pod} of the {role} {component} in the Maquette model {architecture}.\n\n{PATHS}\n\n\
         Answers are JSON; with the header \"Accept: text/plain\" they are text, with a tree of \
         the components that took part.\n"
    )
}

async fn get_item<A: Application>(
    State(front): Shared<A>,
    path: ItemPath,
    headers: HeaderMap,
) -> Response {
    let asked = async { Ok(Ask::Get(ask::key(path.map(|Path(path)| path))?)) };
    front.answer(Operation::Get, &headers, asked).await
}

async fn put_item<A: Application>(
    State(front): Shared<A>,
    path: ItemPath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let asked = async {
        let key = ask::key(path.map(|Path(path)| path))?;
        Ok(Ask::Put(key, ask::json(body, MAX_BODY, "JSON").await?))
    };
    front.answer(Operation::Put, &headers, asked).await
}

async fn get_summary<A: Application>(State(front): Shared<A>, headers: HeaderMap) -> Response {
    front.answer(Operation::Summary, &headers, async { Ok(Ask::Summary) }).await
}

async fn unknown_path<A: Application>(
    State(front): Shared<A>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let failure = Failure::missing(format!("there is no {}; ask\n{PATHS}", uri.path()));
    front.refuse(&headers, failure)
}

async fn unknown_method<A: Application>(
    State(front): Shared<A>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let message = format!("{method} is not for {}; ask\n{PATHS}", uri.path());
    front.refuse(&headers, Failure::new(StatusCode::METHOD_NOT_ALLOWED, message))
}

impl<A: Application> Front<A> {
    /// Answers a request; `asked` parses what is left of it.
    async fn answer(
        &self,
        operation: Operation,
        headers: &HeaderMap,
        asked: impl Future<Output = Result<Ask, Failure>> + Send,
    ) -> Response {
        let start = Instant::now();
        let _under_way = self.metrics.begin();
        let context = Context::from_headers(headers, start);
        let request = Request::new(self.runtime.config.begin(), context);
        let outcome = self.outcome(&request, places(headers), asked).await;
        let least = A::work(&request.settings).response_bytes;
        let (status, answer) = self.finish(request, start, outcome);
        let took = start.elapsed();
        self.metrics.end(operation, status, took);
        self.runtime.served.record(took, status.is_server_error());
        render::response(Form::wanted(headers), status, answer, least)
    }

    /// Refuses what is no request of ours: neither work nor traffic.
    fn refuse(&self, headers: &HeaderMap, failure: Failure) -> Response {
        let start = Instant::now();
        let context = Context::from_headers(headers, start);
        let request = Request::new(self.runtime.config.begin(), context);
        let (status, answer) = self.finish(request, start, Err(failure));
        render::response(Form::wanted(headers), status, answer, 0)
    }

    async fn outcome(
        &self,
        request: &Request<A::Settings>,
        places: u32,
        asked: impl Future<Output = Result<Ask, Failure>> + Send,
    ) -> Result<Outcome, Failure> {
        let work = async {
            let asked = asked.await?;
            if let Some(time) = &A::work(&request.settings).processing_time {
                sleep(latency_model::processing_time(time)).await;
            }
            self.ask(request, asked).await
        };
        within_limits(&self.places, places, &request.context, work).await
    }

    async fn ask(&self, request: &Request<A::Settings>, asked: Ask) -> Result<Outcome, Failure> {
        let item = |ItemKey { collection, id }, Record { version, value }| Outcome::Item {
            collection,
            id,
            version,
            value,
        };
        match asked {
            Ask::Get(key) => {
                let record = self.application.get(request, &key).await?;
                Ok(item(key, record))
            }
            Ask::Put(key, value) => {
                let record = self.application.put(request, &key, value).await?;
                Ok(item(key, record))
            }
            Ask::Summary => self.application.summary(request).await.map(Outcome::Summary),
        }
    }

    /// Makes the answer of what the request came to.
    fn finish(
        &self,
        request: Request<A::Settings>,
        start: Instant,
        outcome: Result<Outcome, Failure>,
    ) -> (StatusCode, Answer) {
        let component = request.component.clone();
        let (queries, calls) = request.journal();
        let error = outcome.as_ref().err().map(|failure| failure.message.clone());
        let trace = ResponseTree {
            component,
            role: A::Settings::ROLE,
            pod: self.runtime.options.pod.clone(),
            micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            queries,
            calls,
            error,
        };
        let (status, outcome) = match outcome {
            Ok(outcome) => (StatusCode::OK, outcome),
            Err(failure) => (failure.status, Outcome::Error(failure.message)),
        };
        (status, Answer { outcome, trace, padding: String::new() })
    }
}

/// The places that a request takes: one, and more for a large body, which takes up to 16 times its
/// size once it is parsed.
pub(super) fn places(headers: &HeaderMap) -> u32 {
    let length = match headers.get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
        // Nobody knows how long it will be.
        None => headers.get(TRANSFER_ENCODING).map(|_| MAX_RECORD),
    };
    let length = length.unwrap_or(0).min(MAX_RECORD);
    u32::try_from(1 + length / BODY_OF_A_PLACE).unwrap_or(u32::MAX)
}

/// Does the work of a request if there are places for it, until its deadline.
pub(super) async fn within_limits<T>(
    all: &Semaphore,
    places: u32,
    context: &Context,
    work: impl Future<Output = Result<T, Failure>> + Send,
) -> Result<T, Failure> {
    let looped = |error: TooManyHops| Failure::new(StatusCode::LOOP_DETECTED, error.to_string());
    context.check_hops().map_err(looped)?;
    let Ok(_places) = all.try_acquire_many(places) else {
        let message = "this pod has as many requests under way as it can take";
        return Err(Failure::unavailable(message));
    };
    let late = |_| Err(Failure::late("not done within the time that the request had"));
    timeout_at(context.deadline, work).await.unwrap_or_else(late)
}
