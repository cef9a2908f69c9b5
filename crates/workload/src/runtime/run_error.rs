//! The error that ends the process.

use super::{ConfigError, ListenError};

/// Why the process ends with a failure.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A port cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The asynchronous runtime cannot start: too few threads or file handles.
    #[error("cannot start the runtime: {0}")]
    Start(#[from] std::io::Error),
    /// The role cannot start or continue; the message is its own.
    #[error("{0}")]
    Role(Box<dyn std::error::Error + Send + Sync>),
    /// Requests were still in flight this many seconds after the signal to stop.
    #[error("stopped with requests still in flight {0} s after the signal to stop")]
    DrainTimeout(u64),
}

impl RunError {
    /// The exit code of the process: 78 (`EX_CONFIG` of sysexits.h) for a bad configuration, else
    /// 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            RunError::Config(_) => 78,
            _ => 1,
        }
    }
}
