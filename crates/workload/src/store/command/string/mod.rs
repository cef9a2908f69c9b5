//! Redis' group "string": commands on values.

pub(super) mod get;
pub(super) mod getdel;
pub(super) mod mget;
pub(super) mod mset;
pub(super) mod set;
pub(super) mod set_aliases;
pub(super) mod strlen;
