//! `SETEX`, `PSETEX` and `SETNX`: `SET` with an option, as older clients send it.

use crate::store::command::{
    Command, CommandError, WriteCommand, arguments, checked_key,
    expiry_time::{TimeUnit, positive_expiry_time},
    parse_integer,
    spec::CommandSpec,
    string::set::SetCommand,
};
use crate::{storage::Expiry, store::resp::Request};

pub(crate) const SETEX: CommandSpec = CommandSpec {
    name: "setex",
    arity: 4,
    flags: &["write", "denyoom"],
    keys: (1, 1, 1),
    summary: "Sets the string value and expiration time of a key. Creates the key if it doesn't \
              exist.",
    since: "2.0.0",
    group: "string",
    parse: |request| parse(request, TimeUnit::SECONDS_FROM_NOW, "setex"),
};

pub(crate) const PSETEX: CommandSpec = CommandSpec {
    name: "psetex",
    summary: "Sets both string value and expiration time in milliseconds of a key. The key is \
              created if it doesn't exist.",
    since: "2.6.0",
    parse: |request| parse(request, TimeUnit::MILLIS_FROM_NOW, "psetex"),
    ..SETEX
};

pub(crate) const SETNX: CommandSpec = CommandSpec {
    name: "setnx",
    arity: 3,
    flags: &["write", "denyoom", "fast"],
    summary: "Set the string value of a key only when the key doesn't exist.",
    since: "1.0.0",
    parse: |request| {
        let mut args = arguments(request);
        let (Some(key), Some(value)) = (args.next(), args.next()) else {
            return Err(CommandError::wrong_arity("setnx"));
        };
        Ok(Command::Write(WriteCommand::Set(SetCommand::if_absent(checked_key(key)?, value))))
    },
    ..SETEX
};

fn parse(request: Request, unit: TimeUnit, name: &str) -> Result<Command, CommandError> {
    let mut args = arguments(request);
    let (Some(key), Some(time), Some(value)) = (args.next(), args.next(), args.next()) else {
        return Err(CommandError::wrong_arity(name));
    };
    let time = positive_expiry_time(parse_integer(&time)?, unit, name)?;
    let set = SetCommand::unconditional(checked_key(key)?, value, Expiry::At(time));
    Ok(Command::Write(WriteCommand::Set(set)))
}
