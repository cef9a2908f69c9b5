//! Whether the volume has room for a write.
//!
//! A volume is *full* when a write would leave less than its margin free, until twice the margin is free:
//! writes that add bytes are refused, reads and deletes are served. The margin is what deletes need, because a page is written to a new place before the old
//! one is free, and only the next commit can use that one again.
//!
//! The file keeps the pages of deleted items, so the volume alone does not tell whether there is room
//! again. On a full volume, writes have a *credit*: what was deleted, or now and then a part of the margin. If a
//! commit of such writes takes no more room on the volume, the credit grows.

use super::reserve::Reserve;
use crate::storage::metrics::StorageMetrics;
use rustix::fs::fstatvfs;
use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// The margin, and the size of the reserve: this part of the volume, within the bounds below.
const MARGIN_DIVISOR: u64 = 16;
const MIN_MARGIN: u64 = 512 * 1024;
const MAX_MARGIN: u64 = 8 * 1024 * 1024;
/// What a commit writes at most, about, before it frees anything.
const MAX_COMMIT: u64 = MAX_MARGIN / 2;
/// The first credit without a deletion, the greatest credit, and the time between two without a deletion.
const SMALL_CREDIT: u64 = 64 * 1024;
const MAX_CREDIT: u64 = 64 * 1024 * 1024;
const CREDIT_INTERVAL: Duration = Duration::from_secs(1);
/// Between two looks at the volume.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// A warning is logged from this percentage on, until the use is this much lower again.
const WARN_PERCENT: u64 = 90;
const WARN_HYSTERESIS: u64 = 3;

/// The size of a volume, its free bytes, and the bytes that the file of items takes on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::storage) struct VolumeUse {
    pub(in crate::storage) total: u64,
    pub(in crate::storage) free: u64,
    pub(in crate::storage) file: u64,
}

impl VolumeUse {
    /// The use of the volume that has `file`.
    pub(in crate::storage) fn of_file(file: &File) -> io::Result<Self> {
        /// The unit of `st_blocks`.
        const BLOCK: u64 = 512;
        let volume = fstatvfs(file)?;
        Ok(Self {
            total: volume.f_blocks.saturating_mul(volume.f_frsize),
            free: volume.f_bavail.saturating_mul(volume.f_frsize),
            file: file.metadata()?.blocks().saturating_mul(BLOCK),
        })
    }

    /// The bytes that stay free for deletes.
    pub(in crate::storage) fn margin(self) -> u64 {
        (self.total / MARGIN_DIVISOR).clamp(MIN_MARGIN, MAX_MARGIN)
    }
}

/// What a volume has room for, as the writer thread sees it.
pub(in crate::storage) struct Room {
    file: File,
    reserve: Arc<Reserve>,
    metrics: StorageMetrics,
    seen: VolumeUse,
    is_full: bool,
    checked: Instant,
    /// What writes may add since the last look.
    allowance: u64,
    credit: u64,
    credit_given: Instant,
    has_warned: bool,
}

/// Opens the reserve of the volume of `directory`, and takes its room if the volume has it.
pub(in crate::storage) fn open_reserve(directory: &Path) -> io::Result<Arc<Reserve>> {
    let volume = VolumeUse::of_file(&File::open(directory)?)?;
    let reserve = Reserve::open(directory, volume.margin())?;
    restore_reserve(&reserve, volume);
    Ok(Arc::new(reserve))
}

/// Takes the room of the reserve if a volume in `volume`'s state has enough of it.
fn restore_reserve(reserve: &Reserve, volume: VolumeUse) {
    if !reserve.is_complete()
        && volume.free >= 3 * volume.margin()
        && let Err(error) = reserve.restore()
    {
        tracing::warn!(%error, "the volume has no room for the reserve");
    }
}

impl Room {
    /// The room on the volume of `file`.
    pub(in crate::storage) fn new(
        file: File,
        reserve: Arc<Reserve>,
        metrics: StorageMetrics,
    ) -> Self {
        let now = Instant::now();
        let mut room = Self {
            file,
            reserve,
            metrics,
            seen: VolumeUse::default(),
            is_full: false,
            checked: now,
            allowance: 0,
            credit: SMALL_CREDIT,
            credit_given: now,
            has_warned: false,
        };
        room.look();
        room
    }

    /// The bytes that the next commit may add.
    pub(in crate::storage) fn allowance(&mut self) -> u64 {
        // After a write that was refused or has used much, the last look is too old.
        let is_old = self.checked.elapsed() >= CHECK_INTERVAL;
        if is_old || self.allowance < self.seen.margin() {
            self.look();
        }
        if !self.is_full {
            return self.allowance;
        }
        // Whether the file has free pages shows only when a write is tried. A try may take a part of the
        // margin, and more of it as long as the volume shows no use of it.
        let to_try = self.seen.free.saturating_sub(self.seen.margin() / 2);
        if self.credit_given.elapsed() >= CREDIT_INTERVAL {
            self.credit_given = Instant::now();
            self.credit = self.credit.max(to_try.min(2 * self.credit.max(SMALL_CREDIT)));
        }
        self.allowance.saturating_add(self.credit)
    }

    /// After a job with which a commit writes more than this many bytes, about, the next commit begins.
    pub(in crate::storage) fn commit_limit(&self) -> u64 {
        if self.is_full { self.seen.margin() / 2 } else { MAX_COMMIT }
    }

    /// Notes that a commit has added `added` and freed `freed` bytes.
    pub(in crate::storage) fn record_commit(&mut self, added: u64, freed: u64) {
        self.allowance = self.allowance.saturating_sub(added);
        if !self.is_full {
            self.credit = (self.credit + freed).saturating_sub(added).min(MAX_CREDIT);
            return;
        }
        let before = self.seen.file;
        self.look();
        // Without new blocks, the file had free pages: it is likely to have more.
        let had_pages = self.seen.file <= before;
        let credit =
            if had_pages { self.credit + added } else { self.credit.saturating_sub(added) };
        self.credit = (credit + freed).min(MAX_CREDIT);
    }

    /// Notes that writes of a commit were refused.
    pub(in crate::storage) fn record_refusals(&mut self, writes: u64) {
        if writes > 0 {
            self.metrics.record_refused_writes(writes);
            self.set_full(true);
        }
    }

    fn set_full(&mut self, is_full: bool) {
        let VolumeUse { total, free, .. } = self.seen;
        self.metrics.record_volume(total, free, is_full);
        match (self.is_full, is_full) {
            (false, true) => tracing::error!(
                free,
                total,
                "the volume is full: writes are refused, reads and deletes are served; delete items or \
                 enlarge the volume"
            ),
            (true, false) => tracing::info!(free, total, "the volume has room again"),
            _ => {}
        }
        self.is_full = is_full;
    }

    fn look(&mut self) {
        self.checked = Instant::now();
        match VolumeUse::of_file(&self.file) {
            Ok(seen) => self.seen = seen,
            // The volume may still take writes: the disk itself reports if it does not.
            Err(error) => {
                tracing::warn!(%error, "cannot read the free space of the volume");
                self.allowance = u64::MAX;
                return;
            }
        }
        self.allowance = self.seen.free.saturating_sub(self.seen.margin());
        restore_reserve(&self.reserve, self.seen);
        let VolumeUse { free, .. } = self.seen;
        let margin = self.seen.margin();
        self.set_full(free < margin || self.is_full && free < 2 * margin);
        self.warn_if_nearly_full();
    }

    fn warn_if_nearly_full(&mut self) {
        let VolumeUse { total, free, .. } = self.seen;
        let percent = (total - free.min(total)).saturating_mul(100) / total.max(1);
        if percent >= WARN_PERCENT && !self.has_warned {
            self.has_warned = true;
            tracing::warn!(percent, free, total, "the volume is nearly full; enlarge it");
        } else if percent + WARN_HYSTERESIS < WARN_PERCENT {
            self.has_warned = false;
        }
    }
}
