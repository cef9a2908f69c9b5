//! The reads of one wave: first to as many owners as can be enough, and to the others once one of these
//! has failed, is late, or has another version.
//!
//! A read that asks all owners costs a request to each, although the replies of a majority decide
//! ("speculative retry" in Cassandra; "hedged requests" in Dean and Barroso, "The Tail at Scale",
//! 2013). Whom a read asks first changes nothing about what it needs: see [`crate::peer::coordinate::quorum_read`].

use super::{PeerReplies, PeerReply};
use crate::peer::{
    coordinate::quorum::Quorum,
    membership::Volumes,
    network::{PeerNetwork, ReadReply, ReadRequest},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// After this time without a reply, the other owners are asked too: a multiple of what a reply takes
/// on a busy machine, and little beside the deadline of a request.
const LATE_AFTER: Duration = Duration::from_millis(20);

/// The reads of one wave.
pub(super) struct ReadWave {
    network: Arc<PeerNetwork>,
    read: ReadRequest,
    known: Arc<Volumes>,
    replies: PeerReplies<ReadReply>,
    /// The owners that are not asked yet.
    others: BTreeSet<String>,
    late_at: Instant,
}

impl ReadWave {
    /// Asks `first`; `others` only if that was not enough. `known` are the volumes in the terms of
    /// `read`.
    pub(super) fn send(
        network: &Arc<PeerNetwork>,
        read: ReadRequest,
        known: Arc<Volumes>,
        first: BTreeSet<String>,
        others: BTreeSet<String>,
    ) -> Self {
        let mut wave = Self {
            network: Arc::clone(network),
            read,
            known,
            replies: PeerReplies::new(),
            others,
            late_at: Instant::now() + LATE_AFTER,
        };
        first.into_iter().for_each(|name| wave.ask(name));
        wave
    }

    fn ask(&mut self, name: String) {
        let (network, known) = (Arc::clone(&self.network), Arc::clone(&self.known));
        let read = self.read.clone();
        self.replies.spawn(async move {
            let start = Instant::now();
            let reply = network.read_copy(&name, &read, &known).await;
            (name, start, reply)
        });
    }

    fn ask_others(&mut self) {
        std::mem::take(&mut self.others).into_iter().for_each(|name| self.ask(name));
    }

    /// The next reply; `None` once all owners have replied or the deadline has passed.
    pub(super) async fn next_reply(&mut self, deadline: Instant) -> Option<PeerReply<ReadReply>> {
        if self.replies.is_empty() {
            self.ask_others();
        }
        let late_at = if self.others.is_empty() { deadline } else { self.late_at.min(deadline) };
        let next = match timeout_at(late_at, self.replies.join_next()).await {
            Err(_) if !self.others.is_empty() => {
                self.ask_others();
                timeout_at(deadline, self.replies.join_next()).await
            }
            next => next,
        };
        // A task that panicked counts as a peer that did not reply.
        let reply = next.ok().flatten().and_then(Result::ok)?;
        if !matches!(&reply.2, Ok((copy, _)) if copy.counts_for_quorum && !copy.damaged) {
            self.ask_others();
        }
        Some(reply)
    }

    /// Lets the other requests run to their end, which keeps their connections open.
    pub(super) fn detach_all(mut self) {
        self.replies.detach_all();
    }
}

/// The owners that are asked first, this peer among them, and the others. The replies of the first can
/// be a quorum, and can show that its newest version is durable. The others differ from read to read,
/// so that every copy is read now and then: a damaged one is found.
pub(super) fn split_targets(
    quorum: &Quorum,
    targets: &BTreeSet<String>,
    own: &str,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut first: BTreeSet<String> = targets.get(own).cloned().into_iter().collect();
    let mut others: Vec<&String> = targets.iter().filter(|name| *name != own).collect();
    if !others.is_empty() {
        let begin = rand::random_range(0..others.len());
        others.rotate_left(begin);
    }
    let mut others = others.into_iter();
    while !(quorum.is_readable_from(&first) && quorum.is_durable_on(&first)) {
        let Some(next) = others.next() else { break };
        first.insert(next.clone());
    }
    (first, others.cloned().collect())
}
