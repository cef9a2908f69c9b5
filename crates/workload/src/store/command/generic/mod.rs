//! Redis' group "generic": commands on keys, whatever their values.

pub(super) mod del;
pub(super) mod exists;
pub(super) mod expire;
pub(super) mod key_type;
pub(super) mod keys;
pub(super) mod scan;
pub(super) mod ttl;
