//! JSON logs on stdout.

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging at the level of `RUST_LOG`, by default `info`, at which single requests are not
/// logged. Does nothing if a logger is set already.
pub fn start() {
    let levels = std::env::var("RUST_LOG").unwrap_or_default();
    let lines = fmt::layer().json().flatten_event(true);
    let _ = tracing_subscriber::registry().with(lines).with(parse_levels(&levels)).try_init();
}

/// A level, or levels by module such as `info,hyper=debug`; `info` for what cannot be parsed.
fn parse_levels(text: &str) -> Targets {
    match text.parse() {
        Ok(levels) if !text.is_empty() => levels,
        _ => Targets::new().with_default(Level::INFO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_set_for_all_modules_or_for_some() {
        let logs = |text: &str, module, level| parse_levels(text).would_enable(module, &level);
        for text in ["", "info", "maquette_workload=much"] {
            assert!(logs(text, "maquette_workload", Level::INFO), "{text:?}");
            assert!(!logs(text, "maquette_workload", Level::DEBUG), "{text:?}");
        }
        assert!(logs("warn,hyper=debug", "hyper::proto", Level::DEBUG));
        assert!(!logs("warn,hyper=debug", "maquette_workload", Level::INFO));
    }
}
