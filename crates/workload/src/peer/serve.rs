//! What a peer answers its fellows.

use super::{
    node::Node,
    replica::ReplicaError,
    wire::{self, Digest, Held, Listed, Message, Page, Read, Stand, Write},
};
use crate::storage::StorageError;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::post,
};
use maquette_contract::Version;
use std::sync::Arc;

/// Items in one page of a list.
const PAGE: usize = 1000;

type Answer<T> = Result<Json<T>, ReplicaError>;

impl IntoResponse for ReplicaError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Storage(StorageError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.to_string()).into_response()
    }
}

/// The routes of the peers' port.
pub(super) fn router(node: &Arc<Node>) -> Router {
    Router::new()
        .route(Read::PATH, post(read))
        .route(Write::PATH, post(write))
        .route(Digest::PATH, post(digest))
        .route(Page::PATH, post(page))
        .route(Stand::PATH, post(stand))
        .layer(DefaultBodyLimit::max(wire::MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(node), only_for_me))
        .with_state(Arc::clone(node))
}

/// Refuses what is meant for another peer.
async fn only_for_me(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let to = request.headers().get(wire::TO).map(|to| to.as_bytes());
    if to != Some(node.addressee(node.me()).as_bytes()) {
        return (StatusCode::MISDIRECTED_REQUEST, "meant for another peer").into_response();
    }
    next.run(request).await
}

async fn read(State(node): State<Arc<Node>>, Json(read): Json<Read>) -> Answer<Held> {
    answer_read(&node, read).await.map(Json)
}

async fn write(State(node): State<Arc<Node>>, Json(write): Json<Write>) -> Answer<Vec<Version>> {
    node.replica().keep(write.copies).await.map(Json)
}

async fn digest(State(node): State<Arc<Node>>, Json(digest): Json<Digest>) -> Answer<Vec<bool>> {
    node.replica().lacks(&digest.items).await.map(Json)
}

async fn page(State(node): State<Arc<Node>>, Json(page): Json<Page>) -> Answer<Listed> {
    answer_page(&node, page).await.map(Json)
}

async fn stand(State(node): State<Arc<Node>>, Json(Stand {}): Json<Stand>) -> Response {
    Json(node.standing()).into_response()
}

/// What this peer holds of an item.
pub(super) async fn answer_read(node: &Node, read: Read) -> Result<Held, ReplicaError> {
    node.replica().read(&read.key, read.version_only, node.votes()).await
}

/// A page of what this peer holds.
pub(super) async fn answer_page(node: &Node, page: Page) -> Result<Listed, ReplicaError> {
    let votes = node.votes();
    let items = node.replica().list(page.after.as_deref(), PAGE).await?;
    Ok(Listed { votes, items })
}
