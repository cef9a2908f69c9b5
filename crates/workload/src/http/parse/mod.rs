//! Parses paths, conditions and bodies.

mod conditions;
mod content_type;
mod list;

pub(crate) use conditions::precondition_header;
pub(super) use conditions::{ReadConditions, entity_tag, parse_precondition};
pub(super) use content_type::check_content_type;
pub(super) use list::PageParameters;
pub use list::PageRequest;

use super::HttpError;
use crate::backend::Precondition;
use axum::{
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::StatusCode,
};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use maquette_contract::{Collection, Content, ItemKey, ItemValue, ItemValueError};
use serde::de::DeserializeOwned;

/// The largest body of a user's request, in bytes: a value, and white space around it.
pub(super) const MAX_BODY_BYTES: usize = ItemValue::MAX_BYTES;

/// The largest record that another component sends, in bytes: a user's value, a version and the
/// recent requests with theirs, each of at most 350 bytes.
pub(super) const MAX_RECORD_BYTES: usize = ItemValue::MAX_BYTES + (4 << 10);

/// Collection and id, as they are in the path.
pub(super) type ItemPath = Result<Path<(String, String)>, PathRejection>;

/// A user's request, all of it read.
pub(super) enum ParsedRequest {
    Get(ItemKey, ReadConditions),
    /// A value that replaces the item, or its deletion.
    Write(ItemKey, Content, Option<Precondition>),
    List(PageRequest),
    Summary,
}

impl ParsedRequest {
    /// The size of the body.
    pub(super) fn body_bytes(&self) -> usize {
        match self {
            Self::Write(_, Content::Value(value), _) => value.len(),
            Self::Write(_, Content::Deleted, _) | Self::Get(..) | Self::List(_) | Self::Summary => {
                0
            }
        }
    }
}

/// The collection that a path names.
pub(super) fn parse_collection(
    path: Result<Path<String>, PathRejection>,
) -> Result<Collection, HttpError> {
    let Path(collection) =
        path.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    collection.parse().map_err(|error| HttpError::bad_request(format!("{error}")))
}

/// The key of the item that a path names.
pub(super) fn parse_key(path: ItemPath) -> Result<ItemKey, HttpError> {
    let Path((collection, id)) =
        path.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    Ok(ItemKey {
        collection: collection
            .parse()
            .map_err(|error| HttpError::bad_request(format!("{error}")))?,
        id: id.try_into().map_err(|error| HttpError::bad_request(format!("{error}")))?,
    })
}

/// Reads the value of an item: the only place where a user's value is checked.
pub(super) async fn read_value(body: Body) -> Result<ItemValue, HttpError> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    ItemValue::parse(&body).map_err(|error| {
        let status = match error {
            ItemValueError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ItemValueError::Empty | ItemValueError::Syntax(_) | ItemValueError::TooDeep => {
                StatusCode::BAD_REQUEST
            }
        };
        HttpError::new(status, error.to_string())
    })
}

/// Parses a JSON body; `expected` names its content in errors.
pub(super) fn parse_json<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, HttpError> {
    serde_json::from_slice(body)
        .map_err(|error| HttpError::bad_request(format!("the body is not {expected}: {error}")))
}

/// Reads a body of at most `max_bytes`.
pub(super) async fn read_body(body: Body, max_bytes: usize) -> Result<Bytes, HttpError> {
    let too_large = || {
        let message = format!("the body is larger than {max_bytes} bytes");
        HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // By `Content-Length`: a client that expects 100 gets the refusal instead.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(too_large());
    }
    let mut body = Limited::new(body, max_bytes);
    // Copied: each frame would hold the buffer from which it was read, however few bytes it has.
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return too_large();
            }
            HttpError::bad_request(format!("the body ends early: {error}"))
        })?;
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(data);
        }
    }
    Ok(read.freeze())
}
