//! The stored form of a record, of which only the head is parsed.

use maquette_contract::{RecordHead, Version};

/// The version of a stored record; `None` if the bytes are no record: any write may replace them. A
/// version from the future is one too: a peer whose clock was set back keeps its newer copies.
pub(super) fn parse_version(bytes: &[u8]) -> Option<Version> {
    RecordHead::parse(bytes).ok().map(|head| head.version)
}
