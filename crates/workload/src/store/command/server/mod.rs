//! Redis' group "server": commands about the server.

pub(super) mod cluster;
pub(super) mod command_info;
pub(super) mod dbsize;
pub(super) mod info;
