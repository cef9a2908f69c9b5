//! The port for other peers.

use super::{
    earlier_wire,
    local_copies::LocalCopies,
    wire::{
        self, DigestRequest, GetTransition, ListReply, ListRequest, PeerRequest, ReadReply,
        ReadRequest, WriteReply, WriteRequest,
    },
};
use crate::{peer::replica::ReplicaError, runtime::check_recipient, storage::StorageError};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::post,
};
use std::sync::Arc;

type JsonReply<T> = Result<Json<T>, ReplicaError>;

impl IntoResponse for ReplicaError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Storage(StorageError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NewVolume => StatusCode::SERVICE_UNAVAILABLE,
            Self::Ahead(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Storage(_) | Self::NotARecord { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.to_string()).into_response()
    }
}

/// The routes of the port for other peers. `own_header` is the only value of
/// [`wire::PEER_HEADER`] that is accepted.
pub(crate) fn router(local: LocalCopies, own_header: String) -> Router {
    let own: (LocalCopies, Arc<str>) = (local.clone(), own_header.into());
    Router::new()
        .route(ReadRequest::PATH, post(read_copy))
        .route(WriteRequest::PATH, post(write_copies))
        .route(DigestRequest::PATH, post(compare_digest))
        .route(ListRequest::PATH, post(list_items))
        .route(GetTransition::PATH, post(report_transition))
        .merge(earlier_wire::routes(local.clone()))
        .layer(DefaultBodyLimit::max(wire::MAX_BODY_BYTES))
        .layer(from_fn_with_state(own, reject_misdirected))
        .with_state(local)
}

/// An address that was resolved earlier may by now belong to another peer.
async fn reject_misdirected(
    State((local, own_header)): State<(LocalCopies, Arc<str>)>,
    request: Request,
    next: Next,
) -> Response {
    let meant_for = check_recipient(&local.peer().members().identity, request.headers());
    if let Err(error) = meant_for {
        return (StatusCode::MISDIRECTED_REQUEST, error.to_string()).into_response();
    }
    let peer = request.headers().get(wire::PEER_HEADER).map(|value| value.as_bytes());
    if peer != Some(own_header.as_bytes()) {
        return (StatusCode::MISDIRECTED_REQUEST, "meant for another peer").into_response();
    }
    next.run(request).await
}

async fn read_copy(
    State(local): State<LocalCopies>,
    Json(read): Json<ReadRequest>,
) -> JsonReply<ReadReply> {
    local.read_copy(&read).await.map(Json)
}

async fn write_copies(
    State(local): State<LocalCopies>,
    Json(write): Json<WriteRequest>,
) -> JsonReply<WriteReply> {
    local.check_received(&write.copies)?;
    local.write_copies(write).await.map(Json)
}

async fn compare_digest(
    State(local): State<LocalCopies>,
    Json(digest): Json<DigestRequest>,
) -> JsonReply<Vec<bool>> {
    local.replica().find_missing(&digest.items).await.map(Json)
}

async fn list_items(
    State(local): State<LocalCopies>,
    Json(list): Json<ListRequest>,
) -> JsonReply<ListReply> {
    local.list_items(list).await.map(Json)
}

async fn report_transition(
    State(local): State<LocalCopies>,
    Json(GetTransition {}): Json<GetTransition>,
) -> Response {
    Json(local.peer().transition()).into_response()
}
