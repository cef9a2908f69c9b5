//! Parses paths and bodies.

use super::HttpError;
use axum::{
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::StatusCode,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use maquette_contract::ItemKey;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The largest body of a user's request, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 64 << 10;

/// The largest record, in bytes. A stored value takes up to four times the space of the body that
/// it came in, since `1e15` becomes `1000000000000000.0`; the record adds a version.
pub(super) const MAX_RECORD_BYTES: usize = 4 * MAX_BODY_BYTES + (1 << 10);

/// Collection and id, as they are in the path.
pub(super) type ItemPath = Result<Path<(String, String)>, PathRejection>;

/// A user's request, all of it read.
pub(super) enum ParsedRequest {
    Get(ItemKey),
    Put(ItemKey, Value),
    Summary,
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

/// Reads a JSON body of at most `max_bytes`; `expected` names its content in errors.
pub(super) async fn read_json<T: DeserializeOwned>(
    body: Body,
    max_bytes: usize,
    expected: &str,
) -> Result<T, HttpError> {
    let too_large = || {
        let message = format!("the body is larger than {max_bytes} bytes");
        HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // By `Content-Length`: a client that expects 100 gets the refusal instead.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(too_large());
    }
    let collected = Limited::new(body, max_bytes).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return too_large();
        }
        HttpError::bad_request(format!("the body ends early: {error}"))
    })?;
    serde_json::from_slice(&collected.to_bytes())
        .map_err(|error| HttpError::bad_request(format!("the body is not {expected}: {error}")))
}
