//! From what comes in over HTTP to what is asked for.

use super::Failure;
use axum::{body::Body, extract::rejection::PathRejection, http::StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use maquette_contract::ItemKey;
use serde_json::Value;

/// The largest body of a request, in bytes.
pub(super) const MAX_BODY: usize = 64 << 10;

/// What a request asks for.
pub(super) enum Ask {
    Get(ItemKey),
    Put(ItemKey, Value),
    Summary,
}

/// The item that a path names.
pub(super) fn key(path: Result<(String, String), PathRejection>) -> Result<ItemKey, Failure> {
    let (kind, id) = path.map_err(|rejection| Failure::invalid(rejection.body_text()))?;
    let kind = kind.parse().map_err(|error| Failure::invalid(format!("{error}")))?;
    let id = id.try_into().map_err(|error| Failure::invalid(format!("{error}")))?;
    Ok(ItemKey { kind, id })
}

/// The JSON that a body holds.
pub(super) async fn value(body: Body) -> Result<Value, Failure> {
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let message = format!("the body is larger than {MAX_BODY} bytes");
            return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        Failure::invalid(format!("the body ends early: {error}"))
    })?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Failure::invalid(format!("the body is not JSON: {error}")))
}
