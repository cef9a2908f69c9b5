//! From what comes in over HTTP to what is asked for.

use super::HttpError;
use axum::{body::Body, extract::rejection::PathRejection, http::StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use maquette_contract::ItemKey;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The largest body of a request, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 64 << 10;

/// The largest record, in bytes: a value as it is kept takes up to four times the space that it
/// took as it was sent, since `1e15` becomes `1000000000000000.0`; and it has a version.
pub(super) const MAX_RECORD_BYTES: usize = 4 * MAX_BODY_BYTES + (1 << 10);

/// How much of a body one place of a pod is for, in bytes; see [`super::MAX_UNDER_WAY`].
pub(super) const BYTES_PER_PERMIT: usize = 2 << 10;

/// What a request asks for.
pub(super) enum ParsedRequest {
    Get(ItemKey),
    Put(ItemKey, Value),
    Summary,
}

/// The item that a path names.
pub(super) fn parse_key(
    path: Result<(String, String), PathRejection>,
) -> Result<ItemKey, HttpError> {
    let (collection, id) =
        path.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    let collection =
        collection.parse().map_err(|error| HttpError::bad_request(format!("{error}")))?;
    let id = id.try_into().map_err(|error| HttpError::bad_request(format!("{error}")))?;
    Ok(ItemKey { collection, id })
}

/// What a body of at most `most` bytes holds; `what` names that for a person.
pub(super) async fn read_json<T: DeserializeOwned>(
    body: Body,
    most: usize,
    what: &str,
) -> Result<T, HttpError> {
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let message = format!("the body is larger than {most} bytes");
            return HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        HttpError::bad_request(format!("the body ends early: {error}"))
    })?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| HttpError::bad_request(format!("the body is not {what}: {error}")))
}
