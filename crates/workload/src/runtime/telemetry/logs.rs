//! JSON logs on stdout.

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging at the level of `RUST_LOG`, by default `info`, at which single requests are not
/// logged: a level, or levels by module such as `info,hyper=debug`. Does nothing if a logger is set
/// already.
pub fn start() {
    let filter = std::env::var("RUST_LOG").ok().and_then(|levels| levels.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = fmt::layer().json().flatten_event(true);
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}
