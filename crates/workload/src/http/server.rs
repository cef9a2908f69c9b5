//! Handles a user's request from its arrival to its answer.

use super::{
    Application, HttpError, PageRequest, Request, is_failure,
    limits::{receive, required_permits, within_limits},
    metrics::{HttpMetrics, HttpOperation},
    parse::ParsedRequest,
    render::{AnswerFormat, render_response},
};
use crate::{
    backend::ItemWrite,
    runtime::{
        RoleSettings, Runtime,
        headers::{RequestContext, Sender},
        latency_model, whole_micros,
    },
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header::LINK},
    response::Response,
};
use maquette_contract::{
    Answer, Content, ItemKey, Outcome, Record, ResponseTree, keys::HEADER_RECIPIENT,
};
use std::sync::Arc;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

/// The shared state of all handlers.
pub(super) struct HttpServer<S, A> {
    pub(super) runtime: Arc<Runtime<S>>,
    pub(super) application: A,
    /// The value of [`maquette_contract::keys::HEADER_POD`].
    pub(super) pod: HeaderValue,
    pub(super) metrics: HttpMetrics,
    /// The limit of users' requests in flight.
    pub(super) permits: Semaphore,
    /// The limit of requests for the items that this component keeps. A user's request to another
    /// component may wait for one of these, so users' requests never take their permits.
    pub(super) internal_permits: Semaphore,
}

impl<S: RoleSettings, A: Application<S>> HttpServer<S, A> {
    pub(super) fn new(runtime: Arc<Runtime<S>>, application: A, permits: usize) -> Arc<Self> {
        let metrics = HttpMetrics::new(&runtime.metrics);
        let (permits, internal_permits) = (Semaphore::new(permits), Semaphore::new(permits));
        let pod = HeaderValue::from_str(&runtime.options.pod)
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Arc::new(Self { runtime, application, pod, metrics, permits, internal_permits })
    }

    /// Answers a request; `parsing` reads the rest of it, within the limits.
    pub(super) async fn answer_request(
        &self,
        operation: HttpOperation,
        headers: &HeaderMap,
        parsing: impl Future<Output = Result<ParsedRequest, HttpError>> + Send,
    ) -> Response {
        let start = Instant::now();
        let _in_flight = self.metrics.start_request();
        let mut request = self.begin_request(headers, start);
        let outcome = self.run_within_limits(&mut request, parsing).await;
        let min_bytes = A::simulated_work(&request.settings).response_bytes;
        let context = request.context.clone();
        let link = outcome.as_ref().ok().and_then(|success| success.next_page.clone());
        let (status, answer) = self.build_answer(request, start, outcome);
        let took = start.elapsed();
        self.metrics.finish_request(operation, status, took);
        let failed = is_failure(status);
        if context.is_traffic(failed) {
            self.runtime.served_traffic.record(took, failed);
        }
        let mut response =
            render_response(AnswerFormat::from_accept(headers), status, answer, min_bytes);
        if let Some(link) = link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }

    /// Answers a request whose path or method does not exist. It is not counted as traffic and has
    /// no simulated work.
    pub(super) fn refuse_request(&self, headers: &HeaderMap, error: HttpError) -> Response {
        let start = Instant::now();
        let request = self.begin_request(headers, start);
        let (status, answer) = self.build_answer(request, start, Err(error));
        render_response(AnswerFormat::from_accept(headers), status, answer, 0)
    }

    /// A request that came at `start` and runs under the current configuration to its end.
    pub(super) fn begin_request(&self, headers: &HeaderMap, start: Instant) -> Request<S> {
        let config = self.runtime.config.begin_request();
        // The guard has checked the recipient. Without a UID, components name none.
        let sender = match headers.contains_key(HEADER_RECIPIENT) || config.identity.uid.is_none() {
            true => Sender::Component,
            false => Sender::User,
        };
        Request::new(config, RequestContext::from_headers(headers, sender, start))
    }

    async fn run_within_limits(
        &self,
        request: &mut Request<S>,
        parsing: impl Future<Output = Result<ParsedRequest, HttpError>> + Send,
    ) -> Result<Success, HttpError> {
        let parsed = receive(&mut request.context, parsing).await?;
        let permits = required_permits(parsed.body_bytes());
        let work = async {
            if let Some(time) = &A::simulated_work(&request.settings).processing_time {
                sleep(latency_model::sample_processing_time(time)).await;
            }
            self.call_application(request, parsed).await
        };
        within_limits(&self.permits, permits, &request.context, work).await
    }

    async fn call_application(
        &self,
        request: &Request<S>,
        parsed: ParsedRequest,
    ) -> Result<Success, HttpError> {
        match parsed {
            ParsedRequest::Get(key, conditions) => {
                let record = self.application.read_item(request, &key).await?;
                let is_not_modified = conditions.is_not_modified(&record.version)?;
                let status = match is_not_modified {
                    _ if record.value().is_none() => StatusCode::NOT_FOUND,
                    true => StatusCode::NOT_MODIFIED,
                    false => StatusCode::OK,
                };
                Ok(Success { status, ..Success::new(item_outcome(key, record)) })
            }
            ParsedRequest::Write(key, content, precondition) => {
                let id = request.context.request_id;
                let write = ItemWrite { content, precondition, request: id };
                self.write_item(request, key, write).await
            }
            ParsedRequest::List(list) => {
                let page = self.application.list_items(request, &list).await?;
                let next = page.next.clone().map(|after| {
                    let next = PageRequest { after: Some(after), ..list };
                    // Both are percent-encoded: always valid in a header.
                    HeaderValue::try_from(format!("<{}>; rel=\"next\"", next.path())).ok()
                });
                Ok(Success { next_page: next.flatten(), ..Success::new(Outcome::Page(page)) })
            }
            ParsedRequest::Summary => {
                let summary = self.application.gather_summary(request).await?;
                Ok(Success::new(Outcome::Summary(summary)))
            }
        }
    }

    async fn write_item(
        &self,
        request: &Request<S>,
        key: ItemKey,
        write: ItemWrite,
    ) -> Result<Success, HttpError> {
        let is_deletion = write.content == Content::Deleted;
        let written = self.application.write_item(request, &key, write).await?;
        if is_deletion {
            // A tombstone may have been written; the item did not exist before either.
            if written.is_new {
                return Err(not_found(&key));
            }
            let (ItemKey { collection, id }, version) = (key, written.record.version);
            return Ok(Success::new(Outcome::Deleted { collection, id, version }));
        }
        let status = if written.is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Success { status, ..Success::new(item_outcome(key, written.record)) })
    }

    fn build_answer(
        &self,
        request: Request<S>,
        start: Instant,
        outcome: Result<Success, HttpError>,
    ) -> (StatusCode, Answer) {
        let component = request.component().clone();
        let (queries, calls) = request.into_logs();
        let error = match &outcome {
            Err(error) => Some(error.message.clone()),
            Ok(Success { outcome: Outcome::WasDeleted { error, .. }, .. }) => Some(error.clone()),
            Ok(_) => None,
        };
        let trace = ResponseTree {
            component,
            role: S::ROLE,
            pod: self.runtime.options.pod.clone(),
            micros: whole_micros(start.elapsed()),
            queries,
            calls,
            error,
        };
        let (status, outcome) = match outcome {
            Ok(success) => (success.status, success.outcome),
            Err(error) => (error.status, Outcome::Error(error.message)),
        };
        (status, Answer { outcome, trace, padding: String::new() })
    }
}

/// A request that did not fail.
struct Success {
    status: StatusCode,
    outcome: Outcome,
    /// The header `Link` to the next page.
    next_page: Option<HeaderValue>,
}

impl Success {
    fn new(outcome: Outcome) -> Self {
        Self { status: StatusCode::OK, outcome, next_page: None }
    }
}

fn item_outcome(key: ItemKey, record: Record) -> Outcome {
    let Record { version, content, .. } = record;
    match content {
        Content::Value(value) => {
            let ItemKey { collection, id } = key;
            Outcome::Item { collection, id, version, value }
        }
        Content::Deleted => Outcome::WasDeleted { error: not_found(&key).message, version },
    }
}

fn not_found(key: &ItemKey) -> HttpError {
    HttpError::not_found(format!("there is no item {key}"))
}
