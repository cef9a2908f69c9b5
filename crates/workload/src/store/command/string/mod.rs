//! Redis' group "string": commands on values.

pub(super) mod get;
pub(super) mod mget;
pub(super) mod set;
