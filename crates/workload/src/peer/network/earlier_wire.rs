//! The protocol of peers of the version before, 0.1.0, so that peers of both serve together while
//! pods are replaced one by one. Delete this module, what uses it, and the earlier names in
//! [`crate::peer::membership::GossipReport`] once no volume and no pod of 0.1.0 is left to be upgraded.
//!
//! Requests of that version name no layouts, and replies name no volume:
//!
//! - *A request to another peer* has the form of this version. A peer that does not know the path
//!   answers 404, and is sent the earlier form. What others report is no reason to send the earlier
//!   form at once: it may be outdated, and the request would not be fenced.
//! - *A request in the earlier form* is served while a peer of the earlier version is known. It
//!   counts as it did for that version: whatever the layouts are.
//! - *An earlier peer keeps values, not texts*: it keeps no tombstone, and no value that
//!   [`serde_json::Value`] cannot hold. Neither is written while one is known, see
//!   [`can_keep_content`]; text that means the same may differ in white space and the form of numbers.
//!
//! So a mixed group has the guarantees of the earlier version. Some names changed during that
//! version; both are written and read.

use super::{
    attestation::AttestationMessage,
    client::PeerRequestError,
    local_copies::LocalCopies,
    wire::{
        GetTransition, ListReply, ListRequest, PeerRequest, ReadReply, ReadRequest, WriteReply,
        WriteRequest,
    },
};
use crate::peer::{
    membership::PeerTransition,
    replica::{ItemCopy, ListedItem, ReplicaError, key_text},
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::post,
};
use maquette_contract::{Content, ItemKey, ItemValue, Record, Version};
use serde::{Deserialize, Deserializer, Serialize};

/// A request that peers of the version before know in another form.
pub(super) trait EarlierForm<E: PeerRequest>: PeerRequest {
    /// # Errors
    /// If an earlier peer cannot keep what is sent.
    fn to_earlier(&self) -> Result<E, PeerRequestError>;

    fn read_earlier(&self, reply: E::Response) -> Self::Response;
}

/// Whether a peer of the version before can keep it.
pub(crate) fn can_keep_content(content: &Content) -> bool {
    match content {
        Content::Value(value) => serde_json::from_str::<serde_json::Value>(value.as_str()).is_ok(),
        Content::Deleted => false,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EarlierRead {
    #[serde(with = "key_text")]
    key: ItemKey,
    version_only: bool,
}

/// A copy without its request ids. `votes` and `counts_for_quorum` are names of the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EarlierCopy {
    #[serde(default)]
    votes: bool,
    #[serde(default)]
    counts_for_quorum: bool,
    version: Option<Version>,
    /// Null if it was not requested, or if it is null.
    #[serde(default, deserialize_with = "present")]
    value: Option<ItemValue>,
}

/// A member that is present, even if it is null.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ItemValue>, D::Error> {
    ItemValue::deserialize(from).map(Some)
}

impl PeerRequest for EarlierRead {
    const PATH: &'static str = "/v1/read";
    type Response = EarlierCopy;
}

impl EarlierForm<EarlierRead> for ReadRequest {
    fn to_earlier(&self) -> Result<EarlierRead, PeerRequestError> {
        Ok(EarlierRead { key: self.key.clone(), version_only: self.version_only })
    }

    fn read_earlier(&self, copy: EarlierCopy) -> ReadReply {
        let EarlierCopy { votes, counts_for_quorum, version, value } = copy;
        let found = version.clone().filter(|_| !self.version_only).zip(value);
        let record = found.map(|(version, value)| Record::new(version, Content::Value(value)));
        ReadReply {
            counts_for_quorum: votes || counts_for_quorum,
            version,
            record,
            deleted: false,
            damaged: false,
            attestation: AttestationMessage::unattested(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EarlierWrite {
    copies: Vec<ItemCopy>,
}

impl PeerRequest for EarlierWrite {
    const PATH: &'static str = "/v1/write";
    type Response = Vec<Version>;
}

impl EarlierForm<EarlierWrite> for WriteRequest {
    fn to_earlier(&self) -> Result<EarlierWrite, PeerRequestError> {
        match self.copies.iter().find(|copy| !can_keep_content(&copy.record.content)) {
            Some(copy) => Err(PeerRequestError::TooEarly(copy.key.clone())),
            None => Ok(EarlierWrite { copies: self.copies.clone() }),
        }
    }

    fn read_earlier(&self, versions: Vec<Version>) -> WriteReply {
        let attestation = self.terms.as_ref().map(|_| AttestationMessage::unattested());
        WriteReply { versions, attestation }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EarlierList {
    after: Option<String>,
}

/// A page of items; the names are those of [`EarlierCopy`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EarlierPage {
    #[serde(default)]
    votes: bool,
    #[serde(default)]
    counts_for_quorum: bool,
    items: Vec<ListedItem>,
}

impl PeerRequest for EarlierList {
    const PATH: &'static str = "/v1/page";
    type Response = EarlierPage;
}

impl EarlierForm<EarlierList> for ListRequest {
    fn to_earlier(&self) -> Result<EarlierList, PeerRequestError> {
        Ok(EarlierList { after: self.after.clone() })
    }

    fn read_earlier(&self, page: EarlierPage) -> ListReply {
        let EarlierPage { votes, counts_for_quorum, items } = page;
        ListReply { counts_for_quorum: votes || counts_for_quorum, items, refusal: None }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EarlierGetTransition {}

impl PeerRequest for EarlierGetTransition {
    const PATH: &'static str = "/v1/standing";
    type Response = PeerTransition;
}

impl EarlierForm<EarlierGetTransition> for GetTransition {
    fn to_earlier(&self) -> Result<EarlierGetTransition, PeerRequestError> {
        Ok(EarlierGetTransition {})
    }

    fn read_earlier(&self, transition: PeerTransition) -> PeerTransition {
        transition
    }
}

/// The routes for peers of the version before; 410 unless one is known.
pub(super) fn routes(local: LocalCopies) -> Router<LocalCopies> {
    Router::new()
        .route(EarlierRead::PATH, post(read_copy))
        .route(EarlierWrite::PATH, post(write_copies))
        .route(EarlierList::PATH, post(list_items))
        .route(EarlierGetTransition::PATH, post(report_transition))
        .route_layer(from_fn_with_state(local, refuse_if_unknown))
}

async fn refuse_if_unknown(
    State(local): State<LocalCopies>,
    request: Request,
    next: Next,
) -> Response {
    if !local.peer().has_earlier_peers() {
        return (StatusCode::GONE, "no peer of an earlier version is known").into_response();
    }
    next.run(request).await
}

/// A tombstone or a damaged copy has no earlier form: with its value left out it would be a value.
fn unprocessable(what: &str) -> Response {
    let reason = format!("{what} cannot be read by a peer of an earlier version");
    (StatusCode::UNPROCESSABLE_ENTITY, reason).into_response()
}

async fn read_copy(
    State(local): State<LocalCopies>,
    Json(EarlierRead { key, version_only }): Json<EarlierRead>,
) -> Response {
    let ReadReply { counts_for_quorum, version, record, damaged, .. } =
        match local.read_unfenced(&key, version_only).await {
            Ok(reply) => reply,
            Err(error) => return error.into_response(),
        };
    if damaged {
        return unprocessable("a damaged copy");
    }
    let value = match record.map(|record| record.content) {
        Some(Content::Value(value)) => Some(value),
        Some(Content::Deleted) => return unprocessable("a deleted item"),
        None => None,
    };
    Json(EarlierCopy { votes: counts_for_quorum, counts_for_quorum, version, value })
        .into_response()
}

async fn write_copies(
    State(local): State<LocalCopies>,
    Json(EarlierWrite { copies }): Json<EarlierWrite>,
) -> Result<Json<Vec<Version>>, ReplicaError> {
    local.check_received(&copies)?;
    let written = local.write_copies(WriteRequest { copies, terms: None }).await?;
    Ok(Json(written.versions))
}

async fn list_items(
    State(local): State<LocalCopies>,
    Json(EarlierList { after }): Json<EarlierList>,
) -> Response {
    let ListReply { counts_for_quorum, items, .. } =
        match local.list_unfenced(after.as_deref()).await {
            Ok(reply) => reply,
            Err(error) => return error.into_response(),
        };
    if items.iter().any(|item| item.version.is_none() || item.bytes.is_none()) {
        return unprocessable("a page with a deleted or damaged item");
    }
    Json(EarlierPage { votes: counts_for_quorum, counts_for_quorum, items }).into_response()
}

async fn report_transition(
    State(local): State<LocalCopies>,
    Json(EarlierGetTransition {}): Json<EarlierGetTransition>,
) -> Response {
    Json(local.peer().transition()).into_response()
}
