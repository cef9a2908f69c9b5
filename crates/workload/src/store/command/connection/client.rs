//! `CLIENT SETNAME | GETNAME | ID | INFO | SETINFO`: what a client tells and asks about its connection.

use crate::store::command::{
    Command, CommandError, SessionCommand, arguments, spec::CommandSpec, unknown_subcommand,
};
use crate::store::resp::Request;
use bytes::Bytes;

/// The longest name of a connection or of a library, in bytes. Redis has no bound.
const MAX_NAME: usize = 256;

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "client",
    arity: -2,
    flags: &[],
    keys: (0, 0, 0),
    summary: "A container for client connection commands.",
    since: "2.4.0",
    group: "connection",
    parse,
};

fn parse(request: Request) -> Result<Command, CommandError> {
    let mut args = arguments(request);
    let given = args.next().unwrap_or_default();
    let subcommand = String::from_utf8_lossy(&given).to_ascii_lowercase();
    let session = match (subcommand.as_str(), args.as_slice()) {
        ("id", []) => SessionCommand::Id,
        ("getname", []) => SessionCommand::Name,
        ("info", []) => SessionCommand::Describe,
        ("setname", [name]) => SessionCommand::SetName(check_name(name.clone())?),
        ("setinfo", [attribute, value]) => parse_library(attribute, value.clone())?,
        ("id" | "getname" | "info" | "setname" | "setinfo", _) => {
            return Err(CommandError::wrong_arity(&format!("client|{subcommand}")));
        }
        _ => return Err(unknown_subcommand("CLIENT", &given)),
    };
    Ok(Command::Session(session))
}

fn parse_library(attribute: &[u8], value: Bytes) -> Result<SessionCommand, CommandError> {
    let name = attribute.to_ascii_lowercase();
    if name != b"lib-name" && name != b"lib-ver" {
        let attribute = String::from_utf8_lossy(attribute);
        return Err(CommandError::new(format!("ERR Unrecognized option '{attribute}'")));
    }
    let value = check_text(&String::from_utf8_lossy(&name), value)?;
    Ok(match name.as_slice() {
        b"lib-name" => SessionCommand::SetLibraryName(value),
        _ => SessionCommand::SetLibraryVersion(value),
    })
}

/// A connection's name without spaces.
pub(super) fn check_name(name: Bytes) -> Result<String, CommandError> {
    check_text("Client names", name)
}

fn check_text(what: &str, text: Bytes) -> Result<String, CommandError> {
    if text.len() > MAX_NAME {
        return Err(CommandError::new(format!("ERR {what} may have at most {MAX_NAME} bytes")));
    }
    if !text.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        let text = format!("ERR {what} cannot contain spaces, newlines or special characters.");
        return Err(CommandError::new(text));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use crate::store::command::tests::error_text;

    #[test]
    fn invalid_client_info_gets_the_error_of_redis() {
        assert_eq!(
            error_text(&["client", "setinfo", "LIB-NAME", "a b"]),
            "ERR lib-name cannot contain spaces, newlines or special characters."
        );
        assert_eq!(
            error_text(&["client", "setname", "a b"]),
            "ERR Client names cannot contain spaces, newlines or special characters."
        );
        assert_eq!(error_text(&["client", "setinfo", "x", "a"]), "ERR Unrecognized option 'x'");
        assert_eq!(
            error_text(&["client", "setinfo", "lib-ver"]),
            "ERR wrong number of arguments for 'client|setinfo' command"
        );
        assert_eq!(
            error_text(&["client", "MAINT_NOTIFICATIONS", "ON"]),
            "ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP."
        );
    }
}
