//! `MAQUETTE.TO <UID>/<component>`: names the recipient of the connection. Redis has no such
//! command; clients that name no recipient are served as by Redis.

use crate::store::command::{Command, arguments, spec::CommandSpec};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "maquette.to",
    arity: 2,
    flags: &["noscript", "loading", "stale", "fast", "no_auth"],
    keys: (0, 0, 0),
    summary: "Closes the connection unless it is meant for this store.",
    since: "1.0.0",
    group: "connection",
    parse: |request| Ok(Command::Recipient(arguments(request).next().unwrap_or_default())),
};

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::keys::COMMAND_RECIPIENT;

    #[test]
    fn the_command_has_the_name_that_clients_send() {
        assert!(COMMAND_RECIPIENT.eq_ignore_ascii_case(SPEC.name));
    }
}
