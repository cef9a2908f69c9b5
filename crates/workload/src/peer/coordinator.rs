//! Asking the owners of an item until enough of them have answered, within a deadline.

use super::{
    client::PeerRequestError,
    peer_state::PeerState,
    quorum::Quorum,
    quorum_read::QuorumRead,
    unavailable::Unavailable,
    wire::{ItemCopy, ReadReply, ReadRequest},
};
use maquette_contract::{ItemKey, Query, Record, Version};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

/// Takes note of what was asked of a peer.
pub(super) type PeerQueryLog<'a> = &'a (dyn Fn(Query) + Send + Sync);

/// A request for one item, which this peer coordinates.
pub(super) struct ItemRequest<'a> {
    pub(super) peer: &'a Arc<PeerState>,
    pub(super) key: &'a ItemKey,
    pub(super) deadline: Instant,
    pub(super) log: PeerQueryLog<'a>,
}

/// The answers of several peers, as they come.
type PeerReplies<T> = JoinSet<(String, Instant, Result<T, PeerRequestError>)>;

impl ItemRequest<'_> {
    /// The newest version of the item. Holds and asks again until the answer is truthful.
    pub(super) async fn read_from_quorum(
        &self,
        version_only: bool,
    ) -> Result<QuorumRead, Unavailable> {
        let mut found = QuorumRead::default();
        let mut failures = BTreeMap::new();
        let mut wave = 0;
        loop {
            if let Some(quorum) = self.peer.quorum_for(self.key) {
                let asked = self.select_targets(&quorum, wave, |name| found.has_reply_from(name));
                let mut answers = self.send_reads(asked, version_only);
                while let Some((name, start, answer)) = self.next_reply(&mut answers).await {
                    self.log_read(&name, start, &answer);
                    match answer {
                        Ok(held) => found.add_reply(name, held),
                        Err(error) => drop(failures.insert(name, error.to_string())),
                    }
                    // What it takes may have changed since it was asked.
                    if self.peer.quorum_for(self.key).is_some_and(|now| found.is_complete(&now)) {
                        // The others end by themselves, and keep their connections.
                        answers.detach_all();
                        return Ok(found);
                    }
                }
                if self.peer.quorum_for(self.key).is_some_and(|now| found.has_read_quorum(&now)) {
                    return Ok(found);
                }
                wave += 1;
            }
            self.pause_or_fail(&failures).await?;
        }
    }

    /// Gives the record to its owners, of whom some are known to have it, until so many have it on
    /// disk that every later read finds it.
    pub(super) async fn write_to_quorum(
        &self,
        record: &Record,
        mut holders: BTreeSet<String>,
    ) -> Result<(), Unavailable> {
        let mut failures = BTreeMap::new();
        let mut wave = 0;
        loop {
            if let Some(quorum) = self.peer.quorum_for(self.key) {
                let asked = self.select_targets(&quorum, wave, |name| holders.contains(name));
                let mut answers = self.send_writes(asked, record);
                while let Some((name, start, answer)) = self.next_reply(&mut answers).await {
                    self.log_write(&name, start, record, &answer);
                    match answer {
                        Ok(_) => drop(holders.insert(name)),
                        Err(error) => drop(failures.insert(name, error.to_string())),
                    }
                    if self.peer.quorum_for(self.key).is_some_and(|now| now.is_durable_on(&holders))
                    {
                        self.finish_in_background(answers, &failures);
                        return Ok(());
                    }
                }
                if self.peer.quorum_for(self.key).is_some_and(|now| now.is_durable_on(&holders)) {
                    return Ok(());
                }
                wave += 1;
            }
            if let Err(error) = self.pause_or_fail(&failures).await {
                // Some may have it: whoever reads it must find it on enough disks.
                self.peer.repair_queue.add_item(self.key.clone());
                return Err(error);
            }
        }
    }

    /// Whom to ask: at first those who are up, if that can be enough, later everybody.
    fn select_targets(
        &self,
        quorum: &Quorum,
        wave: usize,
        done: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        let owners = quorum.all_owners();
        let reports = self.peer.reports();
        let up: BTreeSet<String> = owners
            .iter()
            .filter(|name| *name == self.peer.me() || reports.is_live(name))
            .cloned()
            .collect();
        let enough = quorum.is_readable_from(&up) && quorum.is_durable_on(&up);
        let asked = if wave == 0 && enough { up } else { owners };
        asked.into_iter().filter(|name| !done(name)).collect()
    }

    fn send_reads(&self, names: BTreeSet<String>, version_only: bool) -> PeerReplies<ReadReply> {
        let mut answers = JoinSet::new();
        for name in names {
            let node = Arc::clone(self.peer);
            let read = ReadRequest { key: self.key.clone(), version_only };
            answers.spawn(async move {
                let start = Instant::now();
                let answer = node.read_copy(&name, &read).await;
                (name, start, answer)
            });
        }
        answers
    }

    fn send_writes(&self, names: BTreeSet<String>, record: &Record) -> PeerReplies<Vec<Version>> {
        let mut answers = JoinSet::new();
        for name in names {
            let node = Arc::clone(self.peer);
            let copies = vec![ItemCopy { key: self.key.clone(), record: record.clone() }];
            answers.spawn(async move {
                let start = Instant::now();
                let answer = node.write_copies(&name, copies).await;
                (name, start, answer)
            });
        }
        answers
    }

    /// The next answer; none once all have come or the deadline has.
    async fn next_reply<T: 'static>(
        &self,
        answers: &mut PeerReplies<T>,
    ) -> Option<(String, Instant, Result<T, PeerRequestError>)> {
        let next = timeout_at(self.deadline, answers.join_next()).await.ok().flatten();
        // A task that died has nothing to say: its peer counts as silent.
        next.and_then(Result::ok)
    }

    /// Waits a little before asking again, unless the time is over.
    async fn pause_or_fail(&self, failures: &BTreeMap<String, String>) -> Result<(), Unavailable> {
        if Instant::now() + self.peer.timing.retry_pause < self.deadline {
            sleep(self.peer.timing.retry_pause).await;
            return Ok(());
        }
        self.peer.metrics.quorum_failures.inc();
        if self.peer.transition().is_none() {
            return Err(Unavailable::NotJoined { peer: self.peer.me().to_owned() });
        }
        Err(Unavailable::TooFewOwners { key: self.key.clone(), failures: failures.clone() })
    }

    /// Sees to it that also the slower owners get what has been acknowledged.
    fn finish_in_background(
        &self,
        mut answers: PeerReplies<Vec<Version>>,
        failures: &BTreeMap<String, String>,
    ) {
        let reports = self.peer.reports();
        let failed = failures.keys().any(|name| reports.is_live(name));
        let (node, key) = (Arc::clone(self.peer), self.key.clone());
        if answers.is_empty() && !failed {
            return;
        }
        tokio::spawn(async move {
            let mut failed = failed;
            while let Some(answer) = answers.join_next().await {
                failed |= !matches!(answer, Ok((_, _, Ok(_))));
            }
            if failed {
                node.repair_queue.add_item(key);
            }
        });
    }

    fn log_read(&self, name: &str, start: Instant, answer: &Result<ReadReply, PeerRequestError>) {
        let held = answer.as_ref().ok();
        let value = held.and_then(|held| held.value.as_ref());
        let bytes = value.and_then(|value| serde_json::to_vec(value).ok()).map_or(0, |v| v.len());
        let version = held.and_then(|held| held.version.clone());
        self.log_query(name, "read", start, bytes, version, answer.as_ref().err());
    }

    fn log_write(
        &self,
        name: &str,
        start: Instant,
        record: &Record,
        answer: &Result<Vec<Version>, PeerRequestError>,
    ) {
        let version = answer.is_ok().then(|| record.version.clone());
        self.log_query(name, "write", start, 0, version, answer.as_ref().err());
    }

    fn log_query(
        &self,
        name: &str,
        command: &str,
        start: Instant,
        bytes: usize,
        version: Option<Version>,
        error: Option<&PeerRequestError>,
    ) {
        (self.log)(Query {
            to: name.to_owned(),
            command: command.to_owned(),
            count: 1,
            bytes: bytes as u64,
            micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            version,
            error: error.map(PeerRequestError::to_string),
        });
    }
}
