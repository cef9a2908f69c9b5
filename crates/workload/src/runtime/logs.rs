//! JSON logs on stdout.

use tracing_subscriber::EnvFilter;

/// Starts logging, at the level that `RUST_LOG` asks for, else at `info`. No request is logged at
/// that level. Does nothing if a logger is set already.
pub fn start() {
    let filter =
        EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).try_init();
}
