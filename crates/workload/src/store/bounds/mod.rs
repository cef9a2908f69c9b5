//! The bounds of clients: their connections, and the memory of their requests and replies.

pub(super) mod admission;
pub(super) mod budget;
pub(super) mod limits;
