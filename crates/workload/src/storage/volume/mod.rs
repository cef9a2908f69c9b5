//! The volume: whether it has room for a write, and the room that is kept for the case that it has none.

pub(super) mod reserve;
pub(super) mod room;
