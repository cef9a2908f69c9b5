//! `PING [message]`

use super::{Command, Read, arguments, spec::Spec};
use crate::store::resp::Reply;

pub(super) const SPEC: Spec = Spec {
    name: "ping",
    arity: -1,
    flags: &["fast"],
    keys: (0, 0, 0),
    summary: "Returns the server's liveliness response.",
    since: "1.0.0",
    group: "connection",
    parse: |request| {
        if request.len() > 2 {
            return Err(super::Refusal::arity("ping"));
        }
        let message = arguments(request).next();
        Ok(Command::Read(Read::Known(message.map_or(Reply::Simple("PONG"), Reply::Bulk))))
    },
};
