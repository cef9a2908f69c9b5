//! `ECHO message`

use super::{Command, Read, arguments, spec::Spec};
use crate::store::resp::Reply;

pub(super) const SPEC: Spec = Spec {
    name: "echo",
    arity: 2,
    flags: &["fast"],
    keys: (0, 0, 0),
    summary: "Returns the given string.",
    since: "1.0.0",
    group: "connection",
    parse: |request| Ok(Command::Read(Read::Known(Reply::optional(arguments(request).next())))),
};
