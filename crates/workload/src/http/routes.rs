//! The paths of users.

use super::{
    Application, HttpError, PageRequest,
    metrics::HttpOperation,
    parse::{
        self, ItemPath, PageParameters, ParsedRequest, ReadConditions, check_content_type,
        parse_precondition,
    },
    server::HttpServer,
};
use crate::{
    backend::Precondition,
    runtime::{
        RoleSettings, check_recipient,
        headers::{X_REQUEST_ID, is_request_id, random_request_id},
    },
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, Method, StatusCode, Uri},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use maquette_contract::{Content, keys::HEADER_POD};
use std::sync::Arc;

/// The paths, for the index page and for the answers to unknown paths.
const PATHS_HELP: &str = "\
GET /items/{collection}/{id}      read an item
PUT /items/{collection}/{id}      write an item; the body is its value, any JSON
DELETE /items/{collection}/{id}   delete an item
GET /items/{collection}           list the items of a collection, in pages
GET /summary                      count the items of all owners, by collection
GET /ping                         204 if this pod answers at all";

pub(super) type SharedServer<S, A> = State<Arc<HttpServer<S, A>>>;

/// The paths of users.
pub(super) fn user_router<S: RoleSettings, A: Application<S>>(
    server: Arc<HttpServer<S, A>>,
) -> Router {
    let item = get(get_item::<S, A>).put(put_item::<S, A>).delete(delete_item::<S, A>);
    Router::new()
        .route("/", get(show_index::<S, A>))
        .route("/ping", get(async || StatusCode::NO_CONTENT))
        .route("/items/{collection}", get(list_items::<S, A>))
        .route("/items/{collection}/{id}", item)
        .route("/summary", get(get_summary::<S, A>))
        .fallback(unknown_path::<S, A>)
        .method_not_allowed_fallback(unknown_method::<S, A>)
        .layer(from_fn_with_state(Arc::clone(&server), guard_request::<S, A>))
        .with_state(server)
}

/// Refuses, in one line of text, requests of other components that are meant for another one. Each
/// answer names the request and the pod.
pub(super) async fn guard_request<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = match request.headers().get(X_REQUEST_ID).filter(|id| is_request_id(id)) {
        Some(id) => id.clone(),
        None => {
            let drawn = random_request_id();
            request.headers_mut().insert(X_REQUEST_ID, drawn.clone());
            drawn
        }
    };
    let loaded = server.runtime.config.current();
    let mut response = match check_recipient(&loaded.identity, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => (StatusCode::MISDIRECTED_REQUEST, error.to_string()).into_response(),
    };
    response.headers_mut().insert(X_REQUEST_ID, id);
    response.headers_mut().insert(HEADER_POD, server.pod.clone());
    response
}

async fn show_index<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
) -> String {
    let loaded = server.runtime.config.current();
    let (component, architecture) = (loaded.component(), &loaded.identity.architecture);
    let (role, pod) = (S::ROLE, &server.runtime.options.pod);
    format!(
        "This is pod {pod} of the {role} {component} in the Maquette model {architecture}.\n\n\
         {PATHS_HELP}\n\n\
         Answers are JSON; with the header \"Accept: text/plain\" they are text, with a tree of \
         the components that took part.\n"
    )
}

async fn get_item<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    path: ItemPath,
    headers: HeaderMap,
) -> Response {
    let parsing =
        async { Ok(ParsedRequest::Get(parse::parse_key(path)?, ReadConditions::parse(&headers)?)) };
    Box::pin(server.answer_request(HttpOperation::Get, &headers, parsing)).await
}

async fn put_item<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    path: ItemPath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let parsing = async {
        let key = parse::parse_key(path)?;
        let precondition = parse_precondition(&headers)?;
        check_content_type(&headers)?;
        let value = parse::read_value(body).await?;
        Ok(ParsedRequest::Write(key, Content::Value(value), precondition))
    };
    Box::pin(server.answer_request(HttpOperation::Put, &headers, parsing)).await
}

/// A body has no meaning and is not read.
async fn delete_item<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    path: ItemPath,
    headers: HeaderMap,
) -> Response {
    let parsing = async {
        let (key, precondition) = (parse::parse_key(path)?, parse_precondition(&headers)?);
        if precondition == Some(Precondition::Absent) {
            let message = "an item that must not exist cannot be deleted: leave out If-None-Match";
            return Err(HttpError::bad_request(message));
        }
        Ok(ParsedRequest::Write(key, Content::Deleted, precondition))
    };
    Box::pin(server.answer_request(HttpOperation::Delete, &headers, parsing)).await
}

async fn list_items<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    path: Result<Path<String>, PathRejection>,
    query: PageParameters,
    headers: HeaderMap,
) -> Response {
    let parsing = async {
        let collection = parse::parse_collection(path)?;
        Ok(ParsedRequest::List(PageRequest::parse(collection, query)?))
    };
    Box::pin(server.answer_request(HttpOperation::List, &headers, parsing)).await
}

async fn get_summary<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    headers: HeaderMap,
) -> Response {
    let parsing = async { Ok(ParsedRequest::Summary) };
    Box::pin(server.answer_request(HttpOperation::Summary, &headers, parsing)).await
}

async fn unknown_path<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let message = format!("{} does not exist; use\n{PATHS_HELP}", uri.path());
    server.refuse_request(&headers, HttpError::not_found(message))
}

async fn unknown_method<S: RoleSettings, A: Application<S>>(
    State(server): SharedServer<S, A>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // The router adds the header `Allow` to either answer.
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let message = format!("{} does not accept {method}; use\n{PATHS_HELP}", uri.path());
    server.refuse_request(&headers, HttpError::new(StatusCode::METHOD_NOT_ALLOWED, message))
}
