//! Watches the configuration file and brings new versions of it into force.

use super::{ConfigDocument, ConfigError, ConfigHandle, LoadedConfig, RoleSettings};
use crate::runtime::MetricsRegistry;
use prometheus_client::metrics::counter::Counter;
use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// The interval between two looks at the file's metadata.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Device, inode, modification time (seconds, nanoseconds) and size: differs when the file changes.
/// The kubelet updates a mounted ConfigMap by pointing a symbolic link at a new folder, so the path
/// then leads to another inode.
type FileVersion = (u64, u64, i64, i64, u64);

fn file_version(path: &Path) -> io::Result<FileVersion> {
    let file = std::fs::metadata(path)?;
    Ok((file.dev(), file.ino(), file.mtime(), file.mtime_nsec(), file.size()))
}

/// Brings the document into force, and watches the file for new versions until every handle is
/// dropped.
pub(in crate::runtime) fn start_watching<S: RoleSettings>(
    path: &Path,
    document: ConfigDocument,
    metrics: &MetricsRegistry,
) -> Result<ConfigHandle<S>, ConfigError> {
    let (sender, receiver) = watch::channel(Arc::new(LoadedConfig::from_document(document, None)?));
    let reloads = Counter::default();
    let errors = Counter::default();
    metrics.register("config_reloads", "New configurations brought into force", reloads.clone());
    metrics.register("config_errors", "New configurations refused", errors.clone());
    let watcher = ConfigWatcher { path: path.to_owned(), sender, reloads, errors };
    tokio::spawn(watcher.watch_file());
    Ok(ConfigHandle::new(receiver))
}

struct ConfigWatcher<S> {
    path: PathBuf,
    sender: watch::Sender<Arc<LoadedConfig<S>>>,
    reloads: Counter,
    errors: Counter,
}

impl<S: RoleSettings> ConfigWatcher<S> {
    async fn watch_file(self) {
        // No version is known yet, so the first look reads the file: it may have changed since the
        // start.
        let mut seen = None;
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        while !self.sender.is_closed() {
            ticks.tick().await;
            // A missing file keeps the configuration in force; reading it logs the error.
            let now = file_version(&self.path).ok();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        // Blocks for microseconds, because a mounted ConfigMap is in memory: no blocking thread.
        match self.load_if_changed() {
            Ok(false) => {}
            Ok(true) => {
                self.reloads.inc();
                tracing::info!(revision = %self.sender.borrow().revision, "configuration reloaded");
            }
            Err(error) => {
                self.errors.inc();
                tracing::error!(%error, "new configuration not used; the running one is unchanged");
            }
        }
    }

    /// True if the file has a new revision, which then is in force.
    fn load_if_changed(&self) -> Result<bool, ConfigError> {
        let document = ConfigDocument::read(&self.path)?;
        let before = Arc::clone(&self.sender.borrow());
        if document.revision == before.revision {
            return Ok(false);
        }
        self.sender.send_replace(Arc::new(LoadedConfig::from_document(document, Some(&before))?));
        Ok(true)
    }
}
