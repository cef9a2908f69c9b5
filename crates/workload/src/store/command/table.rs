//! The table of all commands.

use super::{
    connection::{client, echo, ping, quit, recipient},
    generic::{del, exists, scan},
    server::{command_info, dbsize, info},
    spec::CommandSpec,
    string::{get, mget, set},
};

/// All commands, in the order of their names.
pub(super) static COMMANDS: &[CommandSpec] = &[
    client::SPEC,
    command_info::SPEC,
    dbsize::SPEC,
    del::SPEC,
    echo::SPEC,
    exists::SPEC,
    get::SPEC,
    info::SPEC,
    recipient::SPEC,
    mget::SPEC,
    ping::SPEC,
    quit::SPEC,
    scan::SPEC,
    set::SPEC,
];
