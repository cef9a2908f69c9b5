//! A file that keeps room on the volume: it is given up when a write finds the volume full, so that
//! items can be read, recovered and deleted even if something else has filled it.

use crate::storage::lock;
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::Mutex,
};

/// The name of the file in the data directory.
const FILE_NAME: &str = "items.reserve";

/// The reserve of one volume.
#[derive(Debug)]
pub(in crate::storage) struct Reserve {
    bytes: u64,
    file: Mutex<File>,
}

/// Whether a write failed because the volume is full.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Gives up the reserve in `directory`, for a file of another owner; false if there is none.
pub fn release_reserve(directory: &Path) -> bool {
    let file = File::options().write(true).open(directory.join(FILE_NAME));
    file.is_ok_and(|file| release_room(&file))
}

fn release_room(file: &File) -> bool {
    let had_room = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
    had_room && file.set_len(0).is_ok()
}

impl Reserve {
    /// Opens the reserve in `directory`, which has `bytes` once it is [restored](Reserve::restore).
    pub(in crate::storage) fn open(directory: &Path, bytes: u64) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false);
        Ok(Self { bytes, file: Mutex::new(file.open(directory.join(FILE_NAME))?) })
    }

    /// Gives the room up; false if there is none.
    pub(in crate::storage) fn release(&self) -> bool {
        release_room(&lock(&self.file))
    }

    /// Whether the room is kept.
    pub(in crate::storage) fn is_complete(&self) -> bool {
        lock(&self.file).metadata().is_ok_and(|metadata| metadata.len() >= self.bytes)
    }

    /// Takes the room again; without enough of it the reserve stays empty.
    pub(in crate::storage) fn restore(&self) -> io::Result<()> {
        let mut file = lock(&self.file);
        let allocated = match fallocate(&*file, FallocateFlags::empty(), 0, self.bytes) {
            // A file system that cannot allocate ahead keeps room only for what is written.
            Err(Errno::OPNOTSUPP) => write_zeros(&mut file, self.bytes),
            outcome => outcome.map_err(io::Error::from),
        };
        if allocated.is_err() {
            file.set_len(0)?;
        }
        allocated
    }
}

fn write_zeros(file: &mut File, bytes: u64) -> io::Result<()> {
    const CHUNK: u64 = 64 * 1024;
    let zeros = vec![0; 64 * 1024];
    for _ in 0..bytes.div_ceil(CHUNK) {
        file.write_all(&zeros)?;
    }
    file.sync_data()
}
