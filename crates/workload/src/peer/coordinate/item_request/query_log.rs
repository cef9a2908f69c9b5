//! The queries of peers, for the response tree.

use super::{Attested, ItemRequest};
use crate::{
    peer::network::{PeerRequestError, ReadReply},
    runtime::whole_micros,
};
use maquette_contract::{ItemValue, Query, Record, Version};
use tokio::time::Instant;

impl ItemRequest<'_> {
    pub(super) fn log_read(&self, name: &str, start: Instant, reply: &Attested<ReadReply>) {
        let copy = reply.as_ref().ok().map(|(copy, _)| copy);
        let value = copy.and_then(|copy| copy.record.as_ref()?.value());
        let version = copy.and_then(|copy| copy.version.clone());
        let error = reply.as_ref().err();
        (self.log)(peer_query(
            name,
            "read",
            start,
            value.map_or(0, ItemValue::len),
            version,
            error,
        ));
    }

    pub(super) fn log_write(
        &self,
        name: &str,
        start: Instant,
        record: &Record,
        reply: &Attested<Vec<Version>>,
    ) {
        let version = reply.is_ok().then(|| record.version.clone());
        (self.log)(peer_query(name, "write", start, 0, version, reply.as_ref().err()));
    }
}

/// The query of one peer, for the response tree.
pub(in crate::peer::coordinate) fn peer_query(
    name: &str,
    command: &str,
    start: Instant,
    bytes: usize,
    version: Option<Version>,
    error: Option<&PeerRequestError>,
) -> Query {
    Query {
        to: name.to_owned(),
        command: command.to_owned(),
        count: 1,
        bytes: bytes as u64,
        micros: whole_micros(start.elapsed()),
        version,
        error: error.map(PeerRequestError::to_string),
    }
}
