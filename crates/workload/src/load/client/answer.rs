//! The parts of an answer that the load checks. The rest, mostly the trace, is skipped.

use crate::load::{
    checker::AnsweredItem,
    failure::{FailureKind, RequestFailure},
};
use hyper::StatusCode;
use maquette_contract::{ItemKey, Version};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// [`maquette_contract::Answer`], as far as it is read here.
#[derive(Debug, Deserialize)]
struct AnswerParts<'a> {
    #[serde(borrow)]
    item: Option<ItemParts<'a>>,
    summary: Option<IgnoredAny>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(rename = "deletedVersion")]
    deleted_version: Option<Version>,
}

#[derive(Debug, Deserialize)]
struct ItemParts<'a> {
    #[serde(borrow)]
    collection: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    version: Version,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The item that a read found, or its deletion; none if nothing is known of such an item.
///
/// # Errors
/// If it is not the answer to a read of `key`.
pub(in crate::load) fn parse_read<'a>(
    key: &ItemKey,
    status: StatusCode,
    body: &'a [u8],
) -> Result<Option<AnsweredItem<'a>>, RequestFailure> {
    match (status, parse(body)) {
        (StatusCode::OK, Some(AnswerParts { item: Some(item), .. })) if item.is_of(key) => {
            Ok(Some(item.into()))
        }
        (StatusCode::NOT_FOUND, Some(AnswerParts { error: Some(_), deleted_version, .. })) => {
            Ok(deleted_version.map(|version| AnsweredItem { version, value: None }))
        }
        (status, parts) => Err(unexpected_answer(status, parts)),
    }
}

/// The item as it was acknowledged.
///
/// # Errors
/// If it is not the acknowledgement of a write of `key`.
pub(in crate::load) fn parse_write<'a>(
    key: &ItemKey,
    status: StatusCode,
    body: &'a [u8],
) -> Result<AnsweredItem<'a>, RequestFailure> {
    match parse(body) {
        Some(AnswerParts { item: Some(item), .. }) if status.is_success() && item.is_of(key) => {
            Ok(item.into())
        }
        parts => Err(unexpected_answer(status, parts)),
    }
}

/// Checks that it is the answer to a request for the summary.
///
/// # Errors
/// If it is not.
pub(in crate::load) fn check_summary(
    status: StatusCode,
    body: &[u8],
) -> Result<(), RequestFailure> {
    match (status, parse(body)) {
        (StatusCode::OK, Some(AnswerParts { summary: Some(_), .. })) => Ok(()),
        (status, parts) => Err(unexpected_answer(status, parts)),
    }
}

fn parse(body: &[u8]) -> Option<AnswerParts<'_>> {
    serde_json::from_slice(body).ok()
}

impl ItemParts<'_> {
    fn is_of(&self, key: &ItemKey) -> bool {
        self.collection == key.collection.as_str() && self.id == key.id.as_str()
    }
}

impl<'a> From<ItemParts<'a>> for AnsweredItem<'a> {
    fn from(item: ItemParts<'a>) -> Self {
        Self { version: item.version, value: Some(item.value.get()) }
    }
}

fn unexpected_answer(status: StatusCode, parts: Option<AnswerParts<'_>>) -> RequestFailure {
    let reason = match parts {
        Some(AnswerParts { error: Some(message), .. }) => format!("{status}: {message}"),
        Some(_) => format!("{status}, with the answer to another request"),
        None => format!("{status}, with a body that is not an answer"),
    };
    let kind = if status.is_server_error() {
        FailureKind::ServerError
    } else if status.is_client_error() {
        FailureKind::ClientError
    } else {
        FailureKind::UnexpectedAnswer
    };
    RequestFailure { kind, reason }
}
