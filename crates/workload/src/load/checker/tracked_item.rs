//! What is known of one item, and the rules that answers about it must follow.

use super::{Violation, ViolationKind, signed_value::ValueOrigin};
use maquette_contract::{ItemKey, Version};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The most deletions and repeated values within [`SUSPICION_WINDOW`] that other clients are
/// believed to have made of one item.
pub(super) const MAX_SUSPICIOUS: u32 = 3;
const SUSPICION_WINDOW: Duration = Duration::from_secs(60);
/// The most open writes that an item remembers.
const MAX_OPEN: usize = 32;

/// What an answer that breaks no rule shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// What this run wrote or knew.
    Expected,
    /// A newer version, which is not of this run.
    ChangedByOthers,
}

/// A version and the fingerprint of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownVersion {
    pub(super) version: Version,
    /// None if the item was deleted.
    pub(super) fingerprint: Option<u64>,
}

/// A version that a read found.
#[derive(Clone, Debug)]
pub(super) struct FoundVersion {
    pub(super) version: Version,
    /// None if the item was deleted.
    pub(super) fingerprint: Option<u64>,
    pub(super) origin: ValueOrigin,
}

impl FoundVersion {
    /// Checks that the value was written to the item at all.
    pub(super) fn check_origin(&self) -> Result<(), Violation> {
        if self.origin != ValueOrigin::Forged {
            return Ok(());
        }
        let reason = format!("read a value that was never written to it, as {}", self.version);
        Err(ViolationKind::WrongValue.because(reason))
    }
}

/// One item of the load.
#[derive(Debug)]
pub(super) struct TrackedItem {
    pub(super) key: Arc<ItemKey>,
    /// The newest version that an acknowledgement or a read has shown.
    newest: Option<KnownVersion>,
    /// The numbers of the writes that are in flight or have failed, in order: each may take effect
    /// at any time. All others of this item were acknowledged.
    open: Vec<u64>,
    /// Of writes with numbers up to this one it is not known whether they are open.
    forgotten: u64,
    /// Since when deletions and repeated values are counted, and their number.
    suspicious: Option<(Instant, u32)>,
    /// Whether the last read missed the newest version, which is counted once.
    is_lost: bool,
}

impl TrackedItem {
    pub(super) fn new(key: Arc<ItemKey>) -> Self {
        Self { key, newest: None, open: Vec::new(), forgotten: 0, suspicious: None, is_lost: false }
    }

    /// The version that a read or write which starts now must find, or a newer one.
    pub(super) fn newest_version(&self) -> Option<&Version> {
        self.newest.as_ref().map(|newest| &newest.version)
    }

    /// Records that the write with this number starts. Numbers grow.
    pub(super) fn begin_write(&mut self, number: u64) {
        if self.open.len() == MAX_OPEN {
            self.forgotten = self.open.remove(0);
        }
        self.open.push(number);
    }

    /// Checks and records that the write with this number was acknowledged; `known` is the
    /// [`Self::newest_version`] at its start.
    pub(super) fn check_write(
        &mut self,
        number: u64,
        known: Option<&Version>,
        acknowledged: KnownVersion,
    ) -> Result<(), Violation> {
        self.open.retain(|open| *open != number);
        if let Some(known) = known.filter(|known| **known >= acknowledged.version) {
            let version = acknowledged.version;
            let reason = format!("acknowledged as {version}, but {known} was known before it");
            return Err(ViolationKind::WrongVersion.because(reason));
        }
        match &self.newest {
            Some(newest) if newest.version > acknowledged.version => Ok(()),
            Some(newest) if newest.version == acknowledged.version => {
                check_value(newest, acknowledged.fingerprint)
            }
            _ => {
                self.set_newest(acknowledged);
                Ok(())
            }
        }
    }

    /// Checks and records what a read found; `known` is the [`Self::newest_version`] at its start.
    pub(super) fn check_read(
        &mut self,
        known: Option<&Version>,
        found: Option<FoundVersion>,
    ) -> Result<Finding, Violation> {
        let found_version = found.as_ref().map(|found| &found.version);
        // A deletion that is no longer remembered is as good as one that is.
        let was_deleted = self.newest.as_ref().is_some_and(|newest| newest.fingerprint.is_none());
        if found.is_none() && was_deleted {
            return Ok(Finding::Expected);
        }
        // A version that became known after the start of this read is not checked by it.
        if let Some(known) = known.filter(|known| found_version < Some(known)) {
            return Err(self.record_loss(known, found_version));
        }
        let Some(found) = found else { return Ok(Finding::Expected) };
        match &self.newest {
            Some(newest) if newest.version > found.version => {
                found.check_origin()?;
                Ok(Finding::Expected)
            }
            Some(newest) if newest.version == found.version => {
                check_value(newest, found.fingerprint)?;
                self.is_lost = false;
                Ok(Finding::Expected)
            }
            _ => self.check_newer(found),
        }
    }

    /// A version that was not known: of a write of this run that is open, or of another client.
    fn check_newer(&mut self, found: FoundVersion) -> Result<Finding, Violation> {
        let FoundVersion { version, fingerprint, origin } = found;
        let finding = match origin {
            ValueOrigin::ThisRun(number)
                if number <= self.forgotten || self.open.contains(&number) =>
            {
                Finding::Expected
            }
            ValueOrigin::Other if fingerprint.is_some() => match self.newest {
                Some(_) => Finding::ChangedByOthers,
                // Of an item that is not known yet, the value may be older than this run.
                None => Finding::Expected,
            },
            ValueOrigin::Other | ValueOrigin::ThisRun(_) | ValueOrigin::Forged => {
                self.count_suspicious(&version, fingerprint.is_none())?;
                Finding::ChangedByOthers
            }
        };
        self.set_newest(KnownVersion { version, fingerprint });
        Ok(finding)
    }

    /// Counts a version that another client can have made, or a model that lies. Others change an item
    /// of the load now and then, and a model that lies does so all the time.
    fn count_suspicious(&mut self, version: &Version, is_deletion: bool) -> Result<(), Violation> {
        let now = Instant::now();
        match &mut self.suspicious {
            Some((since, count)) if now.duration_since(*since) < SUSPICION_WINDOW => *count += 1,
            suspicious => *suspicious = Some((now, 1)),
        }
        let count = self.suspicious.map_or(0, |(_, count)| count);
        if count <= MAX_SUSPICIOUS {
            return Ok(());
        }
        let seconds = SUSPICION_WINDOW.as_secs();
        let (kind, what) = match is_deletion {
            true => (ViolationKind::LostWrite { is_first: true }, "deletions"),
            false => (ViolationKind::WrongValue, "values of earlier versions or other items"),
        };
        let reason =
            format!("read {what} as later versions, {count} in {seconds} s, now {version}");
        Err(kind.because(reason))
    }

    fn set_newest(&mut self, newest: KnownVersion) {
        self.newest = Some(newest);
        self.is_lost = false;
    }

    fn record_loss(&mut self, known: &Version, found: Option<&Version>) -> Violation {
        let found = found.map_or("nothing".to_owned(), Version::to_string);
        // A read that started before the newest version was known misses an older one: another loss.
        let is_newest = self.newest_version() == Some(known);
        let is_first = !is_newest || !std::mem::replace(&mut self.is_lost, true);
        let reason = format!("read {found}, but {known} was known before it");
        ViolationKind::LostWrite { is_first }.because(reason)
    }
}

fn check_value(known: &KnownVersion, fingerprint: Option<u64>) -> Result<(), Violation> {
    if known.fingerprint == fingerprint {
        return Ok(());
    }
    let reason = format!("two values have the version {}", known.version);
    Err(ViolationKind::WrongValue.because(reason))
}
