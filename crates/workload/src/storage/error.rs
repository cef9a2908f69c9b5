//! Why a request to the storage failed.

use super::{MAX_KEY, MAX_VALUE};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// Why a request to the storage failed. Cheap to clone: all writes of one commit fail together.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// The file could not be opened.
    #[error(
        "cannot open {path}: {source}; see that the volume is mounted and writable, has room, and \
         that no other process uses the file"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What redb says.
        source: Arc<redb::Error>,
    },
    /// The key or value is above the limit.
    #[error(
        "{bytes} bytes are too many: a key may have at most {MAX_KEY} bytes, a value {MAX_VALUE}"
    )]
    TooLarge {
        /// The size of what was refused.
        bytes: usize,
    },
    /// The disk failed, or the file is damaged.
    #[error("storage failed: {0}")]
    Disk(Arc<redb::Error>),
    /// The storage is closed.
    #[error("storage is closed")]
    Closed,
}

impl StorageError {
    /// Whether only opening the file anew can mend it: after an I/O error redb refuses everything.
    pub(super) fn is_fatal(&self) -> bool {
        !matches!(self, Self::TooLarge { .. })
    }

    /// Tells of this failure, unless another one came first.
    pub(super) fn report_first(&self, failure: &watch::Sender<Option<Self>>) {
        failure.send_if_modified(|first| {
            let new = first.is_none();
            first.get_or_insert_with(|| self.clone());
            new
        });
    }
}

impl<E: Into<redb::Error>> From<E> for StorageError {
    fn from(source: E) -> Self {
        Self::Disk(Arc::new(source.into()))
    }
}
