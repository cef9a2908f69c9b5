//! Why a request to the storage failed.

use super::{MAX_KEY, MAX_VALUE};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// Why a request to the storage failed. Cheap to clone: all writes of one commit fail together.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// The file of items cannot be opened.
    #[error(
        "cannot open {path}: {source}; check that the volume is mounted and writable, has room, and \
         that no other process uses the file"
    )]
    Open {
        /// The path of `items.redb`.
        path: PathBuf,
        /// The error of redb or of the operating system.
        source: Arc<redb::Error>,
    },
    /// The key or the value is above its limit.
    #[error(
        "{bytes} bytes are too many: a key may have at most {MAX_KEY} bytes, a value {MAX_VALUE}"
    )]
    TooLarge {
        /// The size of the refused key or value.
        bytes: usize,
    },
    /// The volume has no room for the write.
    #[error(
        "the volume is full: writes are refused until items are deleted or the volume is enlarged; \
         reads and deletes are served"
    )]
    Full,
    /// An I/O error, or the file is damaged.
    #[error("storage failed: {0}")]
    Disk(Arc<redb::Error>),
    /// The last handle to the storage is dropped.
    #[error("storage is closed")]
    Closed,
}

impl StorageError {
    /// Whether another process has the file.
    pub(super) fn is_locked(&self) -> bool {
        matches!(
            self,
            Self::Open { source, .. } if matches!(**source, redb::Error::DatabaseAlreadyOpen)
        )
    }

    /// Whether all later requests fail too: after an I/O error redb refuses them until the file is
    /// opened again.
    pub(crate) fn is_fatal(&self) -> bool {
        !matches!(self, Self::TooLarge { .. } | Self::Full)
    }

    /// Publishes this error, unless an earlier one is published already.
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
