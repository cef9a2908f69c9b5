//! Watches the configuration file and brings what it says into force.

use super::{Config, ConfigDocument, ConfigError, LoadedConfig, MetricsRegistry, RoleSettings};
use prometheus_client::metrics::counter::Counter;
use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// What changes when the file does. The kubelet replaces a mounted ConfigMap by pointing a symbolic
/// link at a new folder, so that the path leads to another inode.
type FileVersion = (u64, u64, i64, i64, u64);

fn file_version(path: &Path) -> io::Result<FileVersion> {
    let file = std::fs::metadata(path)?;
    Ok((file.dev(), file.ino(), file.mtime(), file.mtime_nsec(), file.size()))
}

/// Brings the document into force and watches the file for others.
pub(super) fn start_watching<S: RoleSettings>(
    path: &Path,
    document: ConfigDocument,
    metrics: &MetricsRegistry,
) -> Result<Config<S>, ConfigError> {
    let (sender, receiver) = watch::channel(Arc::new(LoadedConfig::from_document(document, None)?));
    let reloads = Counter::default();
    let errors = Counter::default();
    metrics.register("config_reloads", "New configurations brought into force", reloads.clone());
    metrics.register("config_errors", "New configurations refused", errors.clone());
    let watcher = ConfigWatcher { path: path.to_owned(), sender, reloads, errors };
    tokio::spawn(watcher.watch_file());
    Ok(Config::new(receiver))
}

struct ConfigWatcher<S> {
    path: PathBuf,
    sender: watch::Sender<Arc<LoadedConfig<S>>>,
    reloads: Counter,
    errors: Counter,
}

impl<S: RoleSettings> ConfigWatcher<S> {
    async fn watch_file(self) {
        // The file may have changed since it was read at the start, so it is read once more.
        let mut seen = None;
        let mut ticks = tokio::time::interval(INTERVAL);
        while !self.sender.is_closed() {
            ticks.tick().await;
            // A file that is gone keeps what runs; being read again it will say why it is gone.
            let now = file_version(&self.path).ok();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    /// A `stat` or a read of a file in memory takes microseconds: not worth another thread.
    fn reload(&self) {
        match self.load_if_changed() {
            Ok(false) => {}
            Ok(true) => {
                self.reloads.inc();
                tracing::info!(revision = %self.sender.borrow().revision, "configuration reloaded");
            }
            Err(error) => {
                self.errors.inc();
                tracing::error!(%error, "the new configuration is refused; the old one stays");
            }
        }
    }

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
