//! Queries the owners of an item until enough of them have replied, within a deadline.

mod query_log;
mod read_wave;

pub(super) use query_log::peer_query;

use super::{
    coordinator::Coordinator,
    operation_layouts::OperationLayouts,
    quorum::Quorum,
    quorum_read::QuorumRead,
    unavailable::Unavailable,
    volume_check::{VolumeCheck, VolumeVerdict},
};
use crate::{
    backend::QueryLog,
    peer::{
        membership::Volumes,
        network::{Attestation, OperationTerms, PeerRequestError, ReadRequest, digest_volumes},
        replica::ItemCopy,
    },
};
use maquette_contract::{ItemKey, Record, Version};
use read_wave::{ReadWave, split_targets};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

impl Coordinator {
    /// A request for an item that must have its result by `deadline`.
    pub(crate) fn item<'a>(
        &'a self,
        key: &'a ItemKey,
        deadline: Instant,
        log: QueryLog<'a>,
    ) -> ItemRequest<'a> {
        ItemRequest { coordinator: self, key, deadline, log, layouts: OperationLayouts::default() }
    }
}

/// A request for one item.
pub(crate) struct ItemRequest<'a> {
    pub(super) coordinator: &'a Coordinator,
    pub(super) key: &'a ItemKey,
    pub(super) deadline: Instant,
    pub(super) log: QueryLog<'a>,
    layouts: OperationLayouts,
}

/// The peers that have a record on disk, and the volumes that their replies come from.
#[derive(Debug, Default)]
pub(super) struct Holders {
    pub(super) names: BTreeSet<String>,
    pub(super) volumes: VolumeCheck,
}

/// The reply of a peer, and what it attests.
pub(super) type Attested<T> = Result<(T, Attestation), PeerRequestError>;

/// The peer, when its request was sent, and its reply.
pub(super) type PeerReply<T> = (String, Instant, Attested<T>);

/// The replies of several peers, in the order of their arrival.
pub(super) type PeerReplies<T> = JoinSet<PeerReply<T>>;

impl ItemRequest<'_> {
    /// The owners of the item under the layouts in force; `None` while this peer serves no
    /// requests.
    pub(crate) fn quorum(&self) -> Option<Arc<Quorum>> {
        self.layouts.quorum(&self.coordinator.peer, self.key)
    }

    /// The newest version of the item. Retries until a read quorum has replied. If all owners have
    /// replied and damaged copies leave no quorum, a read fails, and a write goes on: what it
    /// replaces cannot be read any more.
    pub(crate) async fn read_from_quorum(
        &self,
        version_only: bool,
    ) -> Result<QuorumRead, Unavailable> {
        let mut read = QuorumRead::default();
        let mut failures = BTreeMap::new();
        let mut wave = 0;
        loop {
            if let Some(quorum) = self.quorum() {
                let targets = self.select_targets(&quorum, wave, |name| read.has_reply_from(name));
                read.volumes.begin_round();
                let mut has_adopted = false;
                let mut reads = self.send_reads(&quorum, targets, version_only, wave == 0);
                while let Some((name, start, reply)) = reads.next_reply(self.deadline).await {
                    self.log_read(&name, start, &reply);
                    match reply {
                        Ok((copy, attested)) => read.add_reply(name, copy, &attested),
                        Err(error) => {
                            has_adopted |= self.adopt_layouts(&error);
                            failures.insert(name, error.to_string());
                        }
                    }
                    // The layouts in force may have changed since the requests were sent.
                    if self.quorum().is_some_and(|now| read.is_complete(&now)) {
                        reads.detach_all();
                        return Ok(read);
                    }
                }
                if self.quorum().is_some_and(|now| read.has_read_quorum(&now)) {
                    return Ok(read);
                }
                if let Some(peers) = self.quorum().and_then(|now| read.damaged_at(&now)) {
                    let key = self.key.clone();
                    let damaged = Unavailable::Damaged { key, peers };
                    return if version_only { Ok(read) } else { Err(damaged) };
                }
                if has_adopted && Instant::now() < self.deadline {
                    continue;
                }
                wave += 1;
            }
            self.pause_or_fail(&failures).await?;
        }
    }

    /// Writes the record to its owners until enough of them have it on disk that every later read
    /// finds it. `holders` are the owners that have it already.
    ///
    /// An owner that has a newer version counts: the write is superseded there. It takes effect
    /// before the newer one, which no earlier operation can have returned: its version would be
    /// known from the read at the start of this write.
    pub(super) async fn write_to_quorum(
        &self,
        record: &Record,
        mut holders: Holders,
    ) -> Result<(), Unavailable> {
        let mut failures = BTreeMap::new();
        let mut wave = 0;
        loop {
            if let Some(quorum) = self.quorum() {
                let targets =
                    self.select_targets(&quorum, wave, |name| holders.names.contains(name));
                holders.volumes.begin_round();
                let mut has_adopted = false;
                let mut replies = self.send_writes(&quorum, targets, record);
                while let Some((name, start, reply)) = self.next_reply(&mut replies).await {
                    self.log_write(&name, start, record, &reply);
                    match reply {
                        Ok((kept, attested)) => {
                            holders.add_reply(name, record, &kept, &attested);
                        }
                        Err(error) => {
                            has_adopted |= self.adopt_layouts(&error);
                            failures.insert(name, error.to_string());
                        }
                    }
                    if self.quorum().is_some_and(|now| now.is_safe_on(&holders.names)) {
                        self.finish_in_background(replies, &failures);
                        return Ok(());
                    }
                }
                if self.quorum().is_some_and(|now| now.is_durable_on(&holders.names)) {
                    return Ok(());
                }
                if has_adopted && Instant::now() < self.deadline {
                    continue;
                }
                wave += 1;
            }
            if let Err(error) = self.pause_or_fail(&failures).await {
                // Some owners may have it: the next read must find it on enough disks.
                self.coordinator.repair_queue.add_item(self.key.clone());
                return Err(error);
            }
        }
    }

    /// The owners to send the next wave to, without those that are `done`: in the first wave the
    /// live ones if they can be enough, later all of them.
    fn select_targets(
        &self,
        quorum: &Quorum,
        wave: usize,
        done: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        let owners = quorum.all_owners();
        let peer = &self.coordinator.peer;
        let reports = peer.reports();
        let live: BTreeSet<String> = owners
            .iter()
            .filter(|name| *name == peer.name() || reports.is_live(name))
            .cloned()
            .collect();
        let enough = quorum.is_readable_from(&live) && quorum.is_durable_on(&live);
        let targets = if wave == 0 && enough { live } else { owners };
        targets.into_iter().filter(|name| !done(name)).collect()
    }

    /// Adopts the layouts of a replica that is further. Returns whether the operation goes on under
    /// more layouts than before.
    fn adopt_layouts(&self, error: &PeerRequestError) -> bool {
        matches!(error, PeerRequestError::Fenced(refusal) if self.layouts.adopt(refusal))
    }

    /// The terms of requests under this quorum, and the volumes in them.
    fn terms(&self, quorum: &Quorum) -> (OperationTerms, Arc<Volumes>) {
        let known = Arc::new(self.coordinator.peer.known_volumes());
        (OperationTerms { fence: quorum.fence(), volumes: digest_volumes(&known) }, known)
    }

    /// Sends the reads of a wave. Those of the first wave go to as many owners as can be enough, if
    /// all of them are live.
    fn send_reads(
        &self,
        quorum: &Quorum,
        targets: BTreeSet<String>,
        version_only: bool,
        is_first: bool,
    ) -> ReadWave {
        let (terms, known) = self.terms(quorum);
        let read = ReadRequest { key: self.key.clone(), version_only, terms };
        let network = &self.coordinator.network;
        let (own, reports) = (self.coordinator.peer.name(), self.coordinator.peer.reports());
        let are_live = || targets.iter().all(|name| name == own || reports.is_live(name));
        let (first, others) = match is_first && are_live() {
            true => split_targets(quorum, &targets, own),
            false => (targets, BTreeSet::new()),
        };
        ReadWave::send(network, read, known, first, others)
    }

    fn send_writes(
        &self,
        quorum: &Quorum,
        targets: BTreeSet<String>,
        record: &Record,
    ) -> PeerReplies<Vec<Version>> {
        let (terms, known) = self.terms(quorum);
        let mut replies = JoinSet::new();
        for name in targets {
            let (network, known) = (Arc::clone(&self.coordinator.network), Arc::clone(&known));
            let copies = vec![ItemCopy { key: self.key.clone(), record: record.clone() }];
            let terms = terms.clone();
            replies.spawn(async move {
                let start = Instant::now();
                let reply = network.write_copies(&name, copies, terms, &known).await;
                (name, start, reply)
            });
        }
        replies
    }

    /// The next reply; `None` once all have arrived or the deadline has passed.
    async fn next_reply<T: 'static>(&self, replies: &mut PeerReplies<T>) -> Option<PeerReply<T>> {
        let next = timeout_at(self.deadline, replies.join_next()).await.ok().flatten();
        // A task that panicked counts as a peer that did not reply.
        next.and_then(Result::ok)
    }

    /// Waits before the next wave; fails if that would be after the deadline.
    async fn pause_or_fail(&self, failures: &BTreeMap<String, String>) -> Result<(), Unavailable> {
        let Coordinator { peer, metrics, retry_pause, .. } = self.coordinator;
        if Instant::now() + *retry_pause < self.deadline {
            sleep(*retry_pause).await;
            return Ok(());
        }
        metrics.quorum_failures.inc();
        if let Some(reason) = Unavailable::of_phase(peer) {
            return Err(reason);
        }
        Err(Unavailable::TooFewOwners { key: self.key.clone(), failures: failures.clone() })
    }

    /// An acknowledged write goes to the slower owners too. If one of them fails, the item is
    /// queued for repair.
    fn finish_in_background(
        &self,
        mut replies: PeerReplies<Vec<Version>>,
        failures: &BTreeMap<String, String>,
    ) {
        let reports = self.coordinator.peer.reports();
        let has_failed = failures.keys().any(|name| reports.is_live(name));
        if replies.is_empty() && !has_failed {
            return;
        }
        let (queue, key) = (Arc::clone(&self.coordinator.repair_queue), self.key.clone());
        tokio::spawn(async move {
            let mut failed = has_failed;
            while let Some(reply) = replies.join_next().await {
                failed |= !matches!(reply, Ok((_, _, Ok(_))));
            }
            if failed {
                queue.add_item(key);
            }
        });
    }
}

impl Holders {
    /// `kept` are the versions that the peer has on disk then, of which there is one.
    fn add_reply(
        &mut self,
        name: String,
        record: &Record,
        kept: &[Version],
        attested: &Attestation,
    ) {
        let VolumeVerdict { counts, dropped } = self.volumes.admit(&name, attested);
        for other in dropped {
            self.names.remove(&other);
        }
        if counts && kept.iter().all(|version| *version >= record.version) {
            self.names.insert(name);
        }
    }
}
