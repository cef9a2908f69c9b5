//! The wait for a predecessor: a pod that was deleted by force may still run beside its successor.

use super::{Storage, StorageError};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

/// The longest wait. A pod that is asked to stop ends sooner.
pub const PREDECESSOR_TIMEOUT: Duration = Duration::from_secs(120);
/// Between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

impl Storage {
    /// [`Storage::open`] on a thread that may block. As long as another process has the file, it tries
    /// again, for at most `wait`.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn open_when_released(
        directory: PathBuf,
        wait: Duration,
    ) -> Result<Self, StorageError> {
        let deadline = Instant::now() + wait;
        let mut has_logged = false;
        loop {
            let error = match open_on_thread(directory.clone()).await {
                Err(error) if error.is_locked() && Instant::now() < deadline => error,
                outcome => return outcome,
            };
            if !has_logged {
                has_logged = true;
                tracing::warn!(
                    %error,
                    "another process has the file, perhaps the predecessor of this pod: waiting for at \
                     most {} s until it has ended",
                    wait.as_secs()
                );
            }
            sleep(RETRY_INTERVAL).await;
        }
    }
}

async fn open_on_thread(directory: PathBuf) -> Result<Storage, StorageError> {
    let opening = spawn_blocking(move || Storage::open(Path::new(&directory)));
    opening.await.unwrap_or(Err(StorageError::Closed))
}
