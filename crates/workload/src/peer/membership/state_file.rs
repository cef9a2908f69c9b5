//! The file on a peer's volume that keeps its layout transition.

use super::{
    memory::{VolumeId, VolumeMemory, VolumeTrust},
    transition::LayoutTransition,
};
use crate::storage;
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
    #[error("cannot use {path}: {source}; check that the volume is mounted, writable and has room",
        path = path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Why the operating system refused.
        source: io::Error,
    },
    /// It holds no valid state.
    #[error("{path} is damaged: {source}; empty the volume, so that the other peers fill it \
        again", path = path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong, and in which line.
        source: serde_json::Error,
    },
}

/// The content of the file, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SavedState {
    /// A mark of how far this volume is: grows with each start of the process and, while items are
    /// written, every few seconds. About the time in milliseconds.
    pub(crate) generation: u64,
    /// The layouts in force; `None` unless the peer is active. Its key on the volume is older than
    /// its name.
    #[serde(rename = "standing")]
    pub(crate) transition: Option<LayoutTransition>,
    /// `None` on an empty volume, and on one of an earlier release.
    #[serde(default)]
    pub(crate) volume: Option<VolumeId>,
    /// How far the copies on this volume may be relied on.
    #[serde(default)]
    pub(crate) trust: VolumeTrust,
    /// What this peer remembers of the volumes of all peers.
    #[serde(default)]
    pub(crate) known: VolumeMemory,
}

/// The state file of one data directory.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    directory: PathBuf,
}

impl StateFile {
    /// `directory` must exist before the first save.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    fn io_error(&self, source: io::Error) -> StateFileError {
        StateFileError::Io { path: self.directory.join(FILE_NAME), source }
    }

    /// The state that was saved last; the default on an empty volume. Blocks.
    pub(crate) fn load(&self) -> Result<SavedState, StateFileError> {
        let path = self.directory.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|source| StateFileError::Damaged { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SavedState::default()),
            Err(error) => Err(self.io_error(error)),
        }
    }

    /// Saves the state: it is on disk when this returns, and after a crash the file holds either
    /// this state or the one before. Blocks.
    pub(crate) fn save(&self, saved: &SavedState) -> Result<(), StateFileError> {
        let saving = match self.write_atomically(saved) {
            // The reserve is for this too.
            Err(error) if storage::is_full(&error) && storage::release_reserve(&self.directory) => {
                self.write_atomically(saved)
            }
            outcome => outcome,
        };
        saving.map_err(|source| self.io_error(source))
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
    use crate::peer::membership::Layout;

    #[test]
    fn a_saved_state_is_loaded_and_a_damaged_file_is_refused() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = StateFile::new(directory.path());
        assert_eq!(file.load().unwrap(), SavedState::default());
        let layout = Layout::new(["a".to_owned()], 1).unwrap();
        let transition = Some(LayoutTransition::settled(layout));
        let saved = SavedState {
            generation: 7,
            transition,
            volume: Some(VolumeId(3)),
            ..SavedState::default()
        };
        file.save(&saved).unwrap();
        assert_eq!(file.load().unwrap(), saved);
        fs::write(directory.path().join(FILE_NAME), "{").unwrap();
        assert!(file.load().unwrap_err().to_string().contains("peer.json is damaged"));
    }

    #[test]
    fn files_of_earlier_releases_are_loaded() {
        let directory = tempfile::TempDir::new().unwrap();
        let layout = r#"{"members":["a"],"replicas":1}"#;
        let standing = format!(r#"{{"base":[{layout}],"next":null}}"#);
        let text = format!(r#"{{"generation":7,"standing":{standing}}}"#);
        fs::write(directory.path().join(FILE_NAME), text).unwrap();
        let settled = LayoutTransition::settled(Layout::new(["a".to_owned()], 1).unwrap());
        let expected =
            SavedState { generation: 7, transition: Some(settled), ..SavedState::default() };
        assert_eq!(StateFile::new(directory.path()).load().unwrap(), expected);
    }
}
