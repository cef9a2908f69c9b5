//! The stored form of a record, of which only the head is parsed.

use super::ReplicaError;
use maquette_contract::{RecordHead, Version};

pub(super) fn parse_head(key: &[u8], bytes: &[u8]) -> Result<RecordHead, ReplicaError> {
    RecordHead::parse(bytes).map_err(|source| ReplicaError::Damaged {
        key: String::from_utf8_lossy(key).into_owned(),
        source,
    })
}

/// The version of a stored record; `None` if the bytes are no record: any write may replace them.
pub(super) fn parse_version(bytes: &[u8]) -> Option<Version> {
    RecordHead::parse(bytes).ok().map(|head| head.version)
}
