//! A peer: stores its share of the items and serves end users like every other peer.
//!
//! All peers are equal; there is no leader. The parts, each of which uses only those above it:
//!
//! - [`replica`]: the copies on this peer's own disk;
//! - [`membership`]: layouts, the transition between two layouts, gossip, the state on the volume;
//! - [`network`]: requests from peer to peer;
//! - [`coordinate`]: reads and writes by quorum, and the scan of all items;
//! - [`repair`]: anti-entropy and the repair of single items;
//! - [`handle`]: starts these parts and owns them;
//! - [`api`]: the interfaces for users and for other components;
//! - [`role`]: the peer as a process.
//!
//! The HTTP interface for users is [`crate::http`], the file on disk is [`crate::storage`].
//!
//! # Guarantees
//!
//! Consistency comes before availability: a request that cannot be answered correctly waits, and
//! fails at its deadline.
//!
//! 1. *Owners follow from the configuration alone.* The owners of an item are the first
//!    `replicationFactor` members by rendezvous hashing ([`membership::Layout`]) over all members,
//!    whether they are up or down. Peers that disagree about which members are up still query the
//!    same owners.
//! 2. *An acknowledged write is on disk at a majority of the owners*, under every layout in force
//!    ([`coordinate`]).
//! 3. *Items are linearizable*: each request takes effect at one moment between its start and its
//!    answer. A read, also one that finds no item, has replies from enough owners that at least one
//!    of them has the newest acknowledged write, and its result is made as durable as a write before
//!    it is returned. [`coordinate`] has the reasons.
//! 4. *A write first reads the newest version*, and its own version is later. A copy is replaced
//!    only by a newer version ([`replica`]). A write takes effect once, also if it is sent again; a
//!    write without an answer may take effect later.
//! 5. *A change of members or of `replicationFactor` goes in steps*, and any two peers are at most
//!    one step apart ([`membership::LayoutTransition`]). It starts once the new members are up
//!    ([`membership::Phase`]) and ends once every item is at its new owners and all peers
//!    report that. The step that a peer is in is on its volume.
//! 6. *A peer votes only if its disk has every write that it acknowledged*
//!    ([`membership`]), and a copy on a lost volume does not count, also not for a request that is
//!    under way. A volume that replaces another one, is a snapshot, or belongs
//!    to a member that was added counts for an item once enough other owners have sent it the copies
//!    that it must have: it waits for no member that is down. New volumes of the first members begin
//!    once a majority of them are up. A lost volume therefore costs no more than a lost peer.
//! 7. *Gossip never affects correctness.* Liveness ([`membership::Gossip`]) decides which owners
//!    are queried first, and when a sweep runs.
//! 8. *Peers that migrate items from a source* read and write both backends, see
//!    [`crate::migration`]; each peer backfills its own disk with the items that it owns
//!    ([`api::OwnedItemsSink`]). A backfill is reported as complete only if it started when no
//!    change of members was in progress.
//! 9. *The internal items API returns only what the peers store*: it reads neither a migration
//!    source nor a successor. A scan of all items fails rather than miss an acknowledged write
//!    ([`coordinate::collect_items`]).
//!
//! With three copies, one lost peer costs no availability. With two lost peers, requests for items
//! that had both as owners wait until one of them is back. With an even number of copies the first
//! owner by name has a second vote: of four copies any one may be lost, of two the one without the
//! second vote, which for two peers is always the second peer. While the first peer is lost, they
//! serve no requests. What it has acknowledged alone, while the second was down, is lost with its
//! volume.
//!
//! # Copies
//!
//! Whenever a peer comes or goes, every peer sweeps all its items and sends the others the copies
//! that they lack ([`repair::AntiEntropy`]). An item for which a write missed an owner is repaired
//! by itself ([`repair::ItemRepair`]). A peer drops a copy that others must hold only while all
//! members are up and settled, and all owners are known to have it.
//!
//! Only owners hold copies. A further copy at a peer that stands in for an owner that is down would
//! count for no quorum: a reader that knows of other peers as stand-ins would miss it. It would
//! answer no request, and would cost traffic twice: when the owner goes and when it comes back.
//!
//! A peer that is no longer a member hands its items over; it must stay until its under-replicated
//! items are 0. If it disappears earlier, the others keep copying: they serve requests, but query
//! its owners too, until it comes back.

mod api;
mod coordinate;
mod handle;
mod membership;
mod metrics;
mod network;
mod repair;
mod replica;
mod role;
mod settings;
mod timing;

pub use role::run;

#[cfg(test)]
pub(crate) mod tests;
