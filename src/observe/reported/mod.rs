//! What pods report beside their edges: the requests of users, and volumes and items.

pub(super) mod storage;
pub(super) mod traffic;
