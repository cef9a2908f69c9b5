//! `HELLO [protover [AUTH username password] [SETNAME name]]`: chooses RESP2 or RESP3 and describes the
//! server.

use crate::store::command::{
    Command, CommandError, SessionCommand, arguments,
    connection::{auth::check_user, client::check_name},
    spec::CommandSpec,
};
use crate::store::resp::{Request, RespVersion};

pub(crate) const SPEC: CommandSpec = CommandSpec {
    name: "hello",
    arity: -1,
    flags: &["noscript", "loading", "stale", "fast", "no_auth"],
    keys: (0, 0, 0),
    summary: "Handshakes with the Redis server.",
    since: "6.0.0",
    group: "connection",
    parse,
};

fn parse(request: Request) -> Result<Command, CommandError> {
    let mut args = arguments(request);
    let protocol = args.next().map(|version| parse_version(&version)).transpose()?;
    let mut name = None;
    while let Some(option) = args.next() {
        match (option.to_ascii_uppercase().as_slice(), args.next(), args.as_slice()) {
            (b"AUTH", Some(user), [_, ..]) => {
                args.next();
                check_user(&user)?;
            }
            (b"SETNAME", Some(value), _) => name = Some(check_name(value)?),
            _ => {
                let option = String::from_utf8_lossy(&option);
                let text = format!("ERR Syntax error in HELLO option '{option}'");
                return Err(CommandError::new(text));
            }
        }
    }
    Ok(Command::Session(SessionCommand::Hello { protocol, name }))
}

fn parse_version(version: &[u8]) -> Result<RespVersion, CommandError> {
    match version {
        b"2" => Ok(RespVersion::Resp2),
        b"3" => Ok(RespVersion::Resp3),
        digits if str::from_utf8(digits).is_ok_and(|digits| digits.parse::<i64>().is_ok()) => {
            Err(CommandError::new("NOPROTO unsupported protocol version"))
        }
        _ => Err(CommandError::new("ERR Protocol version is not an integer or out of range")),
    }
}

#[cfg(test)]
mod tests {
    use crate::store::command::tests::error_text;

    #[test]
    fn invalid_handshakes_get_the_error_of_redis() {
        assert_eq!(error_text(&["hello", "4"]), "NOPROTO unsupported protocol version");
        assert_eq!(
            error_text(&["hello", "x"]),
            "ERR Protocol version is not an integer or out of range"
        );
        assert_eq!(
            error_text(&["hello", "3", "AUTH", "default"]),
            "ERR Syntax error in HELLO option 'AUTH'"
        );
        assert_eq!(
            error_text(&["hello", "3", "AUTH", "shop", "secret"]),
            "WRONGPASS invalid username-password pair or user is disabled."
        );
        assert_eq!(error_text(&["hello", "3", "x"]), "ERR Syntax error in HELLO option 'x'");
    }
}
