//! JSON logs on stdout.

use tracing_subscriber::EnvFilter;

/// Starts logging at the level of `RUST_LOG`, by default `info`, at which single requests are not
/// logged. Does nothing if a logger is set already.
pub fn start() {
    let filter =
        EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).try_init();
}
