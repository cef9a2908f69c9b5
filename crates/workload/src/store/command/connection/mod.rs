//! Redis' group "connection": commands about the connection itself.

pub(super) mod auth;
pub(super) mod client;
pub(super) mod echo;
pub(super) mod hello;
pub(super) mod ping;
pub(super) mod quit;
pub(super) mod recipient;
pub(super) mod select;
