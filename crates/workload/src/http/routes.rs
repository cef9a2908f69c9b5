//! The paths, and the way of a request from its arrival to its answer.

use super::{
    Application, HttpError, HttpServer, Request,
    metrics::HttpOperation,
    parse::{self, BYTES_PER_PERMIT, MAX_BODY_BYTES, MAX_RECORD_BYTES, ParsedRequest},
    render::{self, AnswerFormat},
};
use crate::runtime::{
    RoleSettings,
    headers::{HopLimitError, RequestContext},
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
const PATHS_HELP: &str = "\
GET /items/{collection}/{id}   read an item
PUT /items/{collection}/{id}   write an item; the body is its value, any JSON
GET /summary             gather from all who keep information
GET /ping                204 if this pod answers at all";

pub(super) type SharedServer<A> = State<Arc<HttpServer<A>>>;
pub(super) type ItemPath = Result<Path<(String, String)>, PathRejection>;

/// The paths of users, and `others`.
pub(super) fn user_router<A: Application>(
    front: Arc<HttpServer<A>>,
    others: Router<Arc<HttpServer<A>>>,
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

async fn index<A: Application>(State(front): SharedServer<A>) -> String {
    let loaded = front.runtime.config.current();
    let (component, architecture) = (&loaded.component, &loaded.architecture);
    let (role, pod) = (A::Settings::ROLE, &front.runtime.options.pod);
    format!(
        "This is pod {pod} of the {role} {component} in the Maquette model {architecture}.\n\n{PATHS_HELP}\n\n\
         Answers are JSON; with the header \"Accept: text/plain\" they are text, with a tree of \
         the components that took part.\n"
    )
}

async fn get_item<A: Application>(
    State(front): SharedServer<A>,
    path: ItemPath,
    headers: HeaderMap,
) -> Response {
    let asked = async { Ok(ParsedRequest::Get(parse::parse_key(path.map(|Path(path)| path))?)) };
    front.answer_request(HttpOperation::Get, &headers, asked).await
}

async fn put_item<A: Application>(
    State(front): SharedServer<A>,
    path: ItemPath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let asked = async {
        let key = parse::parse_key(path.map(|Path(path)| path))?;
        Ok(ParsedRequest::Put(key, parse::read_json(body, MAX_BODY_BYTES, "JSON").await?))
    };
    front.answer_request(HttpOperation::Put, &headers, asked).await
}

async fn get_summary<A: Application>(
    State(front): SharedServer<A>,
    headers: HeaderMap,
) -> Response {
    front
        .answer_request(HttpOperation::Summary, &headers, async { Ok(ParsedRequest::Summary) })
        .await
}

async fn unknown_path<A: Application>(
    State(front): SharedServer<A>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let failure = HttpError::not_found(format!("there is no {}; ask\n{PATHS_HELP}", uri.path()));
    front.refuse_request(&headers, failure)
}

async fn unknown_method<A: Application>(
    State(front): SharedServer<A>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let message = format!("{method} is not for {}; ask\n{PATHS_HELP}", uri.path());
    front.refuse_request(&headers, HttpError::new(StatusCode::METHOD_NOT_ALLOWED, message))
}

impl<A: Application> HttpServer<A> {
    /// Answers a request; `asked` parses what is left of it.
    async fn answer_request(
        &self,
        operation: HttpOperation,
        headers: &HeaderMap,
        asked: impl Future<Output = Result<ParsedRequest, HttpError>> + Send,
    ) -> Response {
        let start = Instant::now();
        let _under_way = self.metrics.start_request();
        let context = RequestContext::from_headers(headers, start);
        let request = Request::new(self.runtime.config.begin_request(), context);
        let outcome = self.run_within_limits(&request, required_permits(headers), asked).await;
        let least = A::simulated_work(&request.settings).response_bytes;
        let (status, answer) = self.build_answer(request, start, outcome);
        let took = start.elapsed();
        self.metrics.finish_request(operation, status, took);
        self.runtime.served_traffic.record(took, status.is_server_error());
        render::render_response(AnswerFormat::from_accept(headers), status, answer, least)
    }

    /// Refuses what is no request of ours: neither work nor traffic.
    fn refuse_request(&self, headers: &HeaderMap, failure: HttpError) -> Response {
        let start = Instant::now();
        let context = RequestContext::from_headers(headers, start);
        let request = Request::new(self.runtime.config.begin_request(), context);
        let (status, answer) = self.build_answer(request, start, Err(failure));
        render::render_response(AnswerFormat::from_accept(headers), status, answer, 0)
    }

    async fn run_within_limits(
        &self,
        request: &Request<A::Settings>,
        places: u32,
        asked: impl Future<Output = Result<ParsedRequest, HttpError>> + Send,
    ) -> Result<Outcome, HttpError> {
        let work = async {
            let asked = asked.await?;
            if let Some(time) = &A::simulated_work(&request.settings).processing_time {
                sleep(latency_model::sample_processing_time(time)).await;
            }
            self.call_application(request, asked).await
        };
        within_limits(&self.permits, places, &request.context, work).await
    }

    async fn call_application(
        &self,
        request: &Request<A::Settings>,
        asked: ParsedRequest,
    ) -> Result<Outcome, HttpError> {
        let item = |ItemKey { collection, id }, Record { version, value }| Outcome::Item {
            collection,
            id,
            version,
            value,
        };
        match asked {
            ParsedRequest::Get(key) => {
                let record = self.application.get(request, &key).await?;
                Ok(item(key, record))
            }
            ParsedRequest::Put(key, value) => {
                let record = self.application.write_item(request, &key, value).await?;
                Ok(item(key, record))
            }
            ParsedRequest::Summary => {
                self.application.gather_summary(request).await.map(Outcome::Summary)
            }
        }
    }

    /// Makes the answer of what the request came to.
    fn build_answer(
        &self,
        request: Request<A::Settings>,
        start: Instant,
        outcome: Result<Outcome, HttpError>,
    ) -> (StatusCode, Answer) {
        let component = request.component.clone();
        let (queries, calls) = request.into_logs();
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
pub(super) fn required_permits(headers: &HeaderMap) -> u32 {
    let length = match headers.get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
        // Nobody knows how long it will be.
        None => headers.get(TRANSFER_ENCODING).map(|_| MAX_RECORD_BYTES),
    };
    let length = length.unwrap_or(0).min(MAX_RECORD_BYTES);
    u32::try_from(1 + length / BYTES_PER_PERMIT).unwrap_or(u32::MAX)
}

/// Does the work of a request if there are places for it, until its deadline.
pub(super) async fn within_limits<T>(
    all: &Semaphore,
    places: u32,
    context: &RequestContext,
    work: impl Future<Output = Result<T, HttpError>> + Send,
) -> Result<T, HttpError> {
    let looped =
        |error: HopLimitError| HttpError::new(StatusCode::LOOP_DETECTED, error.to_string());
    context.check_hops().map_err(looped)?;
    let Ok(_places) = all.try_acquire_many(places) else {
        let message = "this pod has as many requests under way as it can take";
        return Err(HttpError::unavailable(message));
    };
    let late = |_| Err(HttpError::gateway_timeout("not done within the time that the request had"));
    timeout_at(context.deadline, work).await.unwrap_or_else(late)
}
