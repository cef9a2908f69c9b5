//! Redis' group "generic": commands on keys, whatever their values.

pub(super) mod del;
pub(super) mod exists;
pub(super) mod scan;
