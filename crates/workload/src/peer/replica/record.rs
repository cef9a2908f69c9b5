//! The stored form of a record, of which only the version is parsed.

use super::ReplicaError;
use maquette_contract::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A stored record whose value is not parsed.
#[derive(Deserialize)]
pub(super) struct StoredRecord<'a> {
    pub(super) version: Version,
    #[serde(borrow)]
    pub(super) value: &'a RawValue,
}

pub(super) fn parse_record<'a>(
    key: &[u8],
    bytes: &'a [u8],
) -> Result<StoredRecord<'a>, ReplicaError> {
    serde_json::from_slice(bytes).map_err(|source| ReplicaError::Damaged {
        key: String::from_utf8_lossy(key).into_owned(),
        source,
    })
}

/// The version of a stored record; `None` if the bytes are no record: any write may replace them.
pub(super) fn parse_version(bytes: &[u8]) -> Option<Version> {
    serde_json::from_slice::<StoredRecord>(bytes).ok().map(|record| record.version)
}
