//! `CLIENT SETINFO <LIB-NAME | LIB-VER> value`: accepted from client libraries and not stored.

use crate::store::command::{
    Command, CommandError, ReadCommand, arguments, spec::CommandSpec, unknown_subcommand,
};
use crate::store::resp::{Reply, Request};

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
    let subcommand = args.next().unwrap_or_default();
    if !subcommand.eq_ignore_ascii_case(b"setinfo") {
        return Err(unknown_subcommand("CLIENT", &subcommand));
    }
    let (Some(attribute), Some(value), None) = (args.next(), args.next(), args.next()) else {
        return Err(CommandError::wrong_arity("client|setinfo"));
    };
    let name = attribute.to_ascii_lowercase();
    if name != b"lib-name" && name != b"lib-ver" {
        let attribute = String::from_utf8_lossy(&attribute);
        return Err(CommandError::new(format!("ERR Unrecognized option '{attribute}'")));
    }
    if !value.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        let name = String::from_utf8_lossy(&name);
        let text = format!("ERR {name} cannot contain spaces, newlines or special characters.");
        return Err(CommandError::new(text));
    }
    Ok(Command::Read(ReadCommand::Immediate(Reply::OK)))
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
        assert_eq!(error_text(&["client", "setinfo", "x", "a"]), "ERR Unrecognized option 'x'");
        assert_eq!(
            error_text(&["client", "setinfo", "lib-ver"]),
            "ERR wrong number of arguments for 'client|setinfo' command"
        );
    }
}
