//! The request for a page of a collection.

use crate::http::HttpError;
use axum::extract::{Query, rejection::QueryRejection};
use maquette_contract::Collection;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;

/// The items of a page, unless the request says otherwise.
const DEFAULT_LIMIT: usize = 100;
/// The most items of a page.
const MAX_LIMIT: usize = 1000;

/// The parameters of a query.
pub(in crate::http) type PageParameters = Result<Query<BTreeMap<String, String>>, QueryRejection>;

/// A page of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The collection.
    pub collection: Collection,
    /// The most items of the page.
    pub limit: usize,
    /// The `next` of the page before; none for the first page.
    pub after: Option<String>,
}

impl PageRequest {
    /// Parses the parameters `limit` and `after`.
    ///
    /// # Errors
    /// 400 for others, or for a limit out of bounds.
    pub(in crate::http) fn parse(
        collection: Collection,
        query: PageParameters,
    ) -> Result<Self, HttpError> {
        let Query(parameters) =
            query.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
        let mut list = Self { collection, limit: DEFAULT_LIMIT, after: None };
        for (name, value) in parameters {
            match name.as_str() {
                "after" => list.after = Some(value),
                "limit" => list.limit = parse_limit(&value)?,
                _ => {
                    let message = format!("unknown parameter {name:?}; use limit and after");
                    return Err(HttpError::bad_request(message));
                }
            }
        }
        Ok(list)
    }

    /// The path and query of the request.
    pub(crate) fn path(&self) -> String {
        let Self { collection, limit, after } = self;
        match after {
            None => format!("/items/{collection}?limit={limit}"),
            Some(after) => {
                let after = utf8_percent_encode(after, NON_ALPHANUMERIC);
                format!("/items/{collection}?limit={limit}&after={after}")
            }
        }
    }
}

fn parse_limit(value: &str) -> Result<usize, HttpError> {
    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        HttpError::bad_request(format!("limit={value:?} must be a number from 1 to {MAX_LIMIT}"))
    })
}
