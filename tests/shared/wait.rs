//! Waits for a state, with a deadline.

use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Shorter than `Duration::from_secs`.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Repeats `attempt` every 100 ms until it succeeds, and gives its value.
///
/// # Panics
/// If no attempt succeeds within the duration; the message has the last reason.
pub(crate) async fn eventually<T>(
    what: &str,
    within: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let begin = Instant::now();
    let deadline = begin + within;
    let mut last = "no attempt ended".to_owned();
    loop {
        match timeout_at(deadline, attempt()).await {
            Ok(Ok(value)) => {
                println!("{what}: after {:.1} s", begin.elapsed().as_secs_f64());
                return value;
            }
            Ok(Err(reason)) => last = reason,
            Err(_) => {}
        }
        assert!(Instant::now() < deadline, "{what}: not within {within:?}: {last}");
        sleep(Duration::from_millis(100)).await;
    }
}
