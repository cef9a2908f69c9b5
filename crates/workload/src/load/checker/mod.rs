//! Checks that the model's answers agree with each other.
//!
//! Of each item, the newest version that an answer has shown is known, with a hash of its value. An
//! answer must follow these rules:
//!
//! - a read finds the version that was known at its start, or a newer one: what was acknowledged or
//!   read once is not lost, and the item does not go back;
//! - a write's version is above the one that was known at its start;
//! - a version has one value;
//! - a value with this run's mark was written by this run to this item, and each write takes effect
//!   once: a value does not come back after a later one.
//!
//! Other clients may write or delete an item of the load: what they do has a version that is not known
//! yet. Values of theirs, also of an earlier run of the load, are accepted under such a version. What
//! a model that lies could answer as well, which is a deletion or an earlier value of the load that was
//! put back, is accepted [`tracked_item::MAX_SUSPICIOUS`] times a minute for each item. From then on that
//! version is the known one. See [`signed_value`] for how a value is recognized.

mod signed_value;
#[cfg(test)]
mod tests;
mod tracked_item;

use bytes::Bytes;
use maquette_contract::{Collection, ItemKey, Version};
use prometheus_client::metrics::counter::Counter;
use rand::{Rng, RngExt};
use signed_value::{ValueOrigin, ValueSigner};
use std::{collections::HashMap, sync::Arc};
use tracked_item::{Finding, FoundVersion, KnownVersion, TrackedItem};

/// The most tracked items, of about 300 bytes each. Of further items, only values are checked.
const MAX_TRACKED_ITEMS: usize = 100_000;
/// The random choices before [`ConsistencyChecker::random_item`] gives up.
const MAX_TRIES: usize = 16;

/// All that is known of the items.
#[derive(Debug)]
pub(super) struct ConsistencyChecker {
    signer: ValueSigner,
    /// The number of the last write.
    last_number: u64,
    /// Versions of other clients that were found.
    changed_by_others: Counter,
    items: Vec<TrackedItem>,
    positions: HashMap<Arc<ItemKey>, usize>,
}

/// A write in flight.
#[derive(Debug)]
pub(super) struct PendingWrite {
    key: Arc<ItemKey>,
    number: u64,
    /// The value to write, JSON.
    pub(super) value: Bytes,
    /// The newest version at its start.
    known: Option<Version>,
}

/// A read in flight.
#[derive(Debug)]
pub(super) struct PendingRead {
    key: Arc<ItemKey>,
    /// The newest version at its start.
    known: Option<Version>,
}

/// A version and its value, as an answer has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnsweredItem<'a> {
    pub(super) version: Version,
    /// The JSON text; none if the item was deleted.
    pub(super) value: Option<&'a str>,
}

/// An answer that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: ViolationKind,
    /// The version and the value in question, in one line.
    pub(super) reason: String,
}

/// The rule that an answer breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ViolationKind {
    /// A read did not find the known version or a newer one.
    LostWrite {
        /// Whether this is the first read that misses it.
        is_first: bool,
    },
    /// A value belongs to another version or item, or was never written.
    WrongValue,
    /// A write's version is not above the known one.
    WrongVersion,
}

impl ViolationKind {
    fn because(self, reason: String) -> Violation {
        Violation { kind: self, reason }
    }
}

impl ConsistencyChecker {
    /// The checker of a new run; no item is known. Counts in `changed_by_others`.
    pub(super) fn new(changed_by_others: Counter) -> Self {
        Self {
            signer: ValueSigner::random(),
            last_number: 0,
            changed_by_others,
            items: Vec::new(),
            positions: HashMap::new(),
        }
    }

    /// The number of tracked items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Starts a write of `key`. One that ends without an acknowledgement may still take effect at
    /// any time, so its end need not be recorded.
    pub(super) fn begin_write(&mut self, key: &Arc<ItemKey>) -> PendingWrite {
        self.last_number += 1;
        let (number, value) = (self.last_number, self.signer.sign(key, self.last_number));
        let item = self.track(key);
        let known = item.as_ref().and_then(|item| item.newest_version().cloned());
        if let Some(item) = item {
            item.begin_write(number);
        }
        PendingWrite { key: Arc::clone(key), number, value, known }
    }

    /// Checks the acknowledgement of a write.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn check_write(
        &mut self,
        write: &PendingWrite,
        answer: AnsweredItem<'_>,
    ) -> Result<(), Violation> {
        let AnsweredItem { version, value } = answer;
        let fingerprint = self.signer.fingerprint(&write.value);
        if let Some(item) = self.track(&write.key) {
            let acknowledged =
                KnownVersion { version: version.clone(), fingerprint: Some(fingerprint) };
            item.check_write(write.number, write.known.as_ref(), acknowledged)?;
        }
        if value.map(|value| self.signer.fingerprint(value.as_bytes())) != Some(fingerprint) {
            let reason = format!("acknowledged as {version} with another value than was sent");
            return Err(ViolationKind::WrongValue.because(reason));
        }
        Ok(())
    }

    /// Starts a read of `key`.
    pub(super) fn begin_read(&self, key: &Arc<ItemKey>) -> PendingRead {
        let item = self.positions.get(key).and_then(|index| self.items.get(*index));
        let known = item.and_then(|item| item.newest_version().cloned());
        PendingRead { key: Arc::clone(key), known }
    }

    /// Checks what a read found; none if there is no such item.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn check_read(
        &mut self,
        read: &PendingRead,
        answer: Option<AnsweredItem<'_>>,
    ) -> Result<(), Violation> {
        let found = answer.map(|AnsweredItem { version, value }| FoundVersion {
            version,
            fingerprint: value.map(|value| self.signer.fingerprint(value.as_bytes())),
            origin: value.map_or(ValueOrigin::Other, |value| {
                self.signer.origin(&read.key, value.as_bytes())
            }),
        });
        let is_known = found.is_some() || self.positions.contains_key(&read.key);
        match is_known.then(|| self.track(&read.key)).flatten() {
            Some(item) => {
                if item.check_read(read.known.as_ref(), found)? == Finding::ChangedByOthers {
                    self.changed_by_others.inc();
                }
                Ok(())
            }
            None => found.map_or(Ok(()), |found| found.check_origin()),
        }
    }

    /// A random item of one of these collections that has a known version. None if [`MAX_TRIES`]
    /// choices find no such item.
    pub(super) fn random_item(
        &self,
        collections: &[Collection],
        random: &mut impl Rng,
    ) -> Option<Arc<ItemKey>> {
        if self.items.is_empty() {
            return None;
        }
        let choices = (0..MAX_TRIES).map(|_| random.random_range(0..self.items.len()));
        let known = choices
            .filter_map(|index| self.items.get(index))
            .filter(|item| item.newest_version().is_some());
        known.map(|item| &item.key).find(|key| collections.contains(&key.collection)).cloned()
    }

    /// The tracked item of `key`, a new one if there is place for it.
    fn track(&mut self, key: &Arc<ItemKey>) -> Option<&mut TrackedItem> {
        let next = self.items.len();
        let position = match self.positions.get(key) {
            Some(position) => *position,
            None if next < MAX_TRACKED_ITEMS => {
                self.positions.insert(Arc::clone(key), next);
                self.items.push(TrackedItem::new(Arc::clone(key)));
                next
            }
            None => return None,
        };
        self.items.get_mut(position)
    }
}
