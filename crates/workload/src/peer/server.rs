//! What a peer answers its fellows.

use super::{
    peer_state::PeerState,
    replica::ReplicaError,
    wire::{
        self, DigestRequest, GetTransition, ListReply, ListRequest, PeerRequest, ReadReply,
        ReadRequest, WriteRequest,
    },
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
const PAGE_ITEMS: usize = 1000;

type JsonReply<T> = Result<Json<T>, ReplicaError>;

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
pub(super) fn router(node: &Arc<PeerState>) -> Router {
    Router::new()
        .route(ReadRequest::PATH, post(read_copy))
        .route(WriteRequest::PATH, post(write_copies))
        .route(DigestRequest::PATH, post(compare_digest))
        .route(ListRequest::PATH, post(list_items))
        .route(GetTransition::PATH, post(report_transition))
        .layer(DefaultBodyLimit::max(wire::MAX_BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(node), reject_misdirected))
        .with_state(Arc::clone(node))
}

/// Refuses what is meant for another peer.
async fn reject_misdirected(
    State(node): State<Arc<PeerState>>,
    request: Request,
    next: Next,
) -> Response {
    let to = request.headers().get(wire::RECIPIENT_HEADER).map(|to| to.as_bytes());
    if to != Some(node.recipient(node.me()).as_bytes()) {
        return (StatusCode::MISDIRECTED_REQUEST, "meant for another peer").into_response();
    }
    next.run(request).await
}

async fn read_copy(
    State(node): State<Arc<PeerState>>,
    Json(read): Json<ReadRequest>,
) -> JsonReply<ReadReply> {
    local_read(&node, read).await.map(Json)
}

async fn write_copies(
    State(node): State<Arc<PeerState>>,
    Json(write): Json<WriteRequest>,
) -> JsonReply<Vec<Version>> {
    node.replica().write_if_newer(write.copies).await.map(Json)
}

async fn compare_digest(
    State(node): State<Arc<PeerState>>,
    Json(digest): Json<DigestRequest>,
) -> JsonReply<Vec<bool>> {
    node.replica().find_missing(&digest.items).await.map(Json)
}

async fn list_items(
    State(node): State<Arc<PeerState>>,
    Json(page): Json<ListRequest>,
) -> JsonReply<ListReply> {
    local_page(&node, page).await.map(Json)
}

async fn report_transition(
    State(node): State<Arc<PeerState>>,
    Json(GetTransition {}): Json<GetTransition>,
) -> Response {
    Json(node.transition()).into_response()
}

/// What this peer holds of an item.
pub(super) async fn local_read(
    node: &PeerState,
    read: ReadRequest,
) -> Result<ReadReply, ReplicaError> {
    node.replica().read_copy(&read.key, read.version_only, node.counts_for_quorum()).await
}

/// A page of what this peer holds.
pub(super) async fn local_page(
    node: &PeerState,
    page: ListRequest,
) -> Result<ListReply, ReplicaError> {
    let votes = node.counts_for_quorum();
    let items = node.replica().list_items(page.after.as_deref(), PAGE_ITEMS).await?;
    Ok(ListReply { counts_for_quorum: votes, items })
}
