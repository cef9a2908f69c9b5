//! What a peer keeps on its volume beside the items: where it stands.

use super::transition::LayoutTransition;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The file in the data directory.
const FILE_NAME: &str = "peer.json";

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It cannot be read or written.
    #[error("cannot use {path}: {source}; see that the volume is mounted, writable and has room",
        path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is damaged.
    #[error("{path} is damaged: {source}; restore the volume, or empty it so that the other peers \
        fill it again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        source: serde_json::Error,
    },
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedState {
    /// The number of the newest start: grows with each.
    pub(super) generation: u64,
    /// Where the peer stands; none while it is blank.
    pub(super) transition: Option<LayoutTransition>,
}

/// The file in one data directory.
#[derive(Clone, Debug)]
pub(super) struct StateFile {
    directory: PathBuf,
}

impl StateFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    fn io_error(&self, source: io::Error) -> StateFileError {
        StateFileError::Io { path: self.directory.join(FILE_NAME), source }
    }

    /// What was kept last; the default on an empty volume. Blocks.
    pub(super) fn load(&self) -> Result<SavedState, StateFileError> {
        let path = self.directory.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|source| StateFileError::Damaged { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SavedState::default()),
            Err(error) => Err(self.io_error(error)),
        }
    }

    /// Keeps `saved`: on disk when this returns, and after a crash either this or what was before.
    /// Blocks.
    pub(super) fn save(&self, saved: &SavedState) -> Result<(), StateFileError> {
        self.write_atomically(saved).map_err(|source| self.io_error(source))
    }

    fn write_atomically(&self, saved: &SavedState) -> io::Result<()> {
        let new = self.directory.join(format!("{FILE_NAME}.new"));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(saved)?)?;
        file.sync_all()?;
        fs::rename(&new, self.directory.join(FILE_NAME))?;
        File::open(&self.directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::layout::Layout;

    #[test]
    fn what_was_saved_is_loaded_and_a_damaged_file_is_refused() {
        let directory = tempfile::TempDir::new().unwrap();
        let volume = StateFile::new(directory.path());
        assert_eq!(volume.load().unwrap(), SavedState::default());
        let layout = Layout::new(["a".to_owned()], 1).unwrap();
        let saved =
            SavedState { generation: 7, transition: Some(LayoutTransition::settled(layout)) };
        volume.save(&saved).unwrap();
        assert_eq!(volume.load().unwrap(), saved);
        fs::write(directory.path().join(FILE_NAME), "{").unwrap();
        assert!(volume.load().unwrap_err().to_string().contains("peer.json is damaged"));
    }
}
