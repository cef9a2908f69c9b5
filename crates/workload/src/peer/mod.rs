//! A peer: keeps its share of the items, and answers end users like every other peer.
//!
//! Every peer is the same; there is no first and no leader. Owns membership, the choice of owners,
//! the reading and writing of items by quorum, and the repair of copies. Leaves HTTP towards users
//! to [`crate::front`] and the disk to [`crate::storage`].
//!
//! # What holds, whoever comes and goes
//!
//! Truth goes before availability: a request that cannot be answered truthfully is held, and
//! refused at its deadline.
//!
//! 1. *Owners are fixed by the configuration.* The owners of an item are the first
//!    `replicationFactor` members by rendezvous hashing ([`layout`]) over all members, up or down:
//!    peers that differ about who is up still ask the same owners.
//! 2. *A write that is acknowledged is on disk at a majority of the owners*, under every layout that
//!    counts ([`quorum`]).
//! 3. *An answer, also "there is no such item", has heard so many owners that one of them has the
//!    newest acknowledged write.* What a read has told is first made as durable as a write, so no
//!    later read is older (Attiya, Bar-Noy and Dolev, "Sharing Memory Robustly in Message-Passing
//!    Systems", 1995).
//! 4. *A write reads the newest version first*, and its own is later ([`item`]). A copy is only
//!    ever replaced by a newer one ([`replica`]).
//! 5. *A change of members or of `replicationFactor` goes in steps* that any two peers may differ
//!    in by one ([`standing`]), begun once the newcomers are up ([`phase`]) and ended once every
//!    item is at its new owners and everybody knows. Where a peer stands is on its volume.
//! 6. *A peer with an empty volume has no say* in what there is until all other members have given
//!    it what it must have. So a lost volume is like a lost peer, no worse.
//! 7. *Gossip decides nothing about truth.* Whether somebody seems up ([`gossip`]) decides who is
//!    asked first, when copies are checked and who stands in for whom.
//! 8. *Peers that take items over from an old home* read and write both homes, as [`crate::origin`]
//!    says; each copies to its own disk what it owns ([`home`]). A copy is only told to be complete
//!    if it began when no change of members was under way.
//! 9. *What the peers hold they tell by themselves* ([`held`]): never from an old home, and never by
//!    way of a successor. A list of it is refused rather than miss an acknowledged write ([`lists`]).
//!
//! With three copies one lost peer costs nothing; with two lost, items that had both as owners are
//! held until one is back.
//!
//! # Copies
//!
//! Whenever somebody comes or goes, each peer walks through all its items and gives the others what
//! they lack ([`check`]); a single write that an owner missed is given to it by itself ([`heal`]).
//! While an owner is down for long, the next member in the order of the hash stands in for it: its
//! copy counts in no quorum, but is there if another disk is lost. A copy that others are to hold is
//! dropped only while all members are up and settled, and all owners are known to have it.
//!
//! A peer that is no longer among the members hands its items over; it must stay until its
//! `not_whole` is 0. One that goes for good before that leaves the others copying for ever: they
//! serve on, but ask its owners too, until it comes back.

mod anti_entropy;
mod client;
mod cluster_view;
mod coordinator;
mod driver;
mod gossip;
mod handle;
mod hints;
mod http_api;
mod internal_items;
mod item;
mod layout;
mod members;
mod metrics;
mod migration_target;
mod peer_state;
mod phase;
mod probe;
mod quorum;
mod quorum_read;
mod ready;
mod replica;
mod replication;
mod report;
mod role;
mod scan;
mod server;
mod settings;
mod state_file;
mod summary;
mod timing;
mod transition;
mod unavailable;
mod wire;

pub use role::run;

#[cfg(test)]
mod tests;
