//! Asking the owners of an item until enough of them have answered, within a deadline.

use super::{
    fellows::AskError,
    found::Found,
    node::Node,
    quorum::Quorum,
    unavailable::Unavailable,
    wire::{Copy, Held, Read},
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
pub(super) type Note<'a> = &'a (dyn Fn(Query) + Send + Sync);

/// A request for one item, which this peer coordinates.
pub(super) struct Operation<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) key: &'a ItemKey,
    pub(super) deadline: Instant,
    pub(super) note: Note<'a>,
}

/// The answers of several peers, as they come.
type Answers<T> = JoinSet<(String, Instant, Result<T, AskError>)>;

impl Operation<'_> {
    /// The newest version of the item. Holds and asks again until the answer is truthful.
    pub(super) async fn newest(&self, version_only: bool) -> Result<Found, Unavailable> {
        let mut found = Found::default();
        let mut failures = BTreeMap::new();
        let mut wave = 0;
        loop {
            if let Some(quorum) = self.node.quorum(self.key) {
                let asked = self.wave(&quorum, wave, |name| found.has(name));
                let mut answers = self.ask_read(asked, version_only);
                while let Some((name, start, answer)) = self.next(&mut answers).await {
                    self.note_read(&name, start, &answer);
                    match answer {
                        Ok(held) => found.add(name, held),
                        Err(error) => drop(failures.insert(name, error.to_string())),
                    }
                    // What it takes may have changed since it was asked.
                    if self.node.quorum(self.key).is_some_and(|now| found.is_enough(&now)) {
                        // The others end by themselves, and keep their connections.
                        answers.detach_all();
                        return Ok(found);
                    }
                }
                if self.node.quorum(self.key).is_some_and(|now| found.is_truthful(&now)) {
                    return Ok(found);
                }
                wave += 1;
            }
            self.pause(&failures).await?;
        }
    }

    /// Gives the record to its owners, of whom some are known to have it, until so many have it on
    /// disk that every later read finds it.
    pub(super) async fn keep(
        &self,
        record: &Record,
        mut holders: BTreeSet<String>,
    ) -> Result<(), Unavailable> {
        let mut failures = BTreeMap::new();
        let mut wave = 0;
        loop {
            if let Some(quorum) = self.node.quorum(self.key) {
                let asked = self.wave(&quorum, wave, |name| holders.contains(name));
                let mut answers = self.ask_write(asked, record);
                while let Some((name, start, answer)) = self.next(&mut answers).await {
                    self.note_write(&name, start, record, &answer);
                    match answer {
                        Ok(_) => drop(holders.insert(name)),
                        Err(error) => drop(failures.insert(name, error.to_string())),
                    }
                    if self.node.quorum(self.key).is_some_and(|now| now.kept(&holders)) {
                        self.finish(answers, &failures);
                        return Ok(());
                    }
                }
                if self.node.quorum(self.key).is_some_and(|now| now.kept(&holders)) {
                    return Ok(());
                }
                wave += 1;
            }
            if let Err(error) = self.pause(&failures).await {
                // Some may have it: whoever reads it must find it on enough disks.
                self.node.unhealed.add(self.key.clone());
                return Err(error);
            }
        }
    }

    /// Whom to ask: at first those who are up, if that can be enough, later everybody.
    fn wave(&self, quorum: &Quorum, wave: usize, done: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let owners = quorum.owners();
        let reports = self.node.reports();
        let up: BTreeSet<String> = owners
            .iter()
            .filter(|name| *name == self.node.me() || reports.is_live(name))
            .cloned()
            .collect();
        let enough = quorum.answered(&up) && quorum.kept(&up);
        let asked = if wave == 0 && enough { up } else { owners };
        asked.into_iter().filter(|name| !done(name)).collect()
    }

    fn ask_read(&self, names: BTreeSet<String>, version_only: bool) -> Answers<Held> {
        let mut answers = JoinSet::new();
        for name in names {
            let node = Arc::clone(self.node);
            let read = Read { key: self.key.clone(), version_only };
            answers.spawn(async move {
                let start = Instant::now();
                let answer = node.ask_read(&name, &read).await;
                (name, start, answer)
            });
        }
        answers
    }

    fn ask_write(&self, names: BTreeSet<String>, record: &Record) -> Answers<Vec<Version>> {
        let mut answers = JoinSet::new();
        for name in names {
            let node = Arc::clone(self.node);
            let copies = vec![Copy { key: self.key.clone(), record: record.clone() }];
            answers.spawn(async move {
                let start = Instant::now();
                let answer = node.ask_write(&name, copies).await;
                (name, start, answer)
            });
        }
        answers
    }

    /// The next answer; none once all have come or the deadline has.
    async fn next<T: 'static>(
        &self,
        answers: &mut Answers<T>,
    ) -> Option<(String, Instant, Result<T, AskError>)> {
        let next = timeout_at(self.deadline, answers.join_next()).await.ok().flatten();
        // A task that died has nothing to say: its peer counts as silent.
        next.and_then(Result::ok)
    }

    /// Waits a little before asking again, unless the time is over.
    async fn pause(&self, failures: &BTreeMap<String, String>) -> Result<(), Unavailable> {
        if Instant::now() + self.node.timing.pause < self.deadline {
            sleep(self.node.timing.pause).await;
            return Ok(());
        }
        self.node.meters.unavailable.inc();
        if self.node.standing().is_none() {
            return Err(Unavailable::NotJoined { peer: self.node.me().to_owned() });
        }
        Err(Unavailable::Owners { key: self.key.clone(), failures: failures.clone() })
    }

    /// Sees to it that also the slower owners get what has been acknowledged.
    fn finish(&self, mut answers: Answers<Vec<Version>>, failures: &BTreeMap<String, String>) {
        let reports = self.node.reports();
        let failed = failures.keys().any(|name| reports.is_live(name));
        let (node, key) = (Arc::clone(self.node), self.key.clone());
        if answers.is_empty() && !failed {
            return;
        }
        tokio::spawn(async move {
            let mut failed = failed;
            while let Some(answer) = answers.join_next().await {
                failed |= !matches!(answer, Ok((_, _, Ok(_))));
            }
            if failed {
                node.unhealed.add(key);
            }
        });
    }

    fn note_read(&self, name: &str, start: Instant, answer: &Result<Held, AskError>) {
        let held = answer.as_ref().ok();
        let value = held.and_then(|held| held.value.as_ref());
        let bytes = value.and_then(|value| serde_json::to_vec(value).ok()).map_or(0, |v| v.len());
        let version = held.and_then(|held| held.version.clone());
        self.note_query(name, "read", start, bytes, version, answer.as_ref().err());
    }

    fn note_write(
        &self,
        name: &str,
        start: Instant,
        record: &Record,
        answer: &Result<Vec<Version>, AskError>,
    ) {
        let version = answer.is_ok().then(|| record.version.clone());
        self.note_query(name, "write", start, 0, version, answer.as_ref().err());
    }

    fn note_query(
        &self,
        name: &str,
        command: &str,
        start: Instant,
        bytes: usize,
        version: Option<Version>,
        error: Option<&AskError>,
    ) {
        (self.note)(Query {
            to: name.to_owned(),
            command: command.to_owned(),
            count: 1,
            bytes: bytes as u64,
            micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            version,
            error: error.map(AskError::to_string),
        });
    }
}
