//! The wall clock, and the versions of writes (hybrid logical clock).

use super::lock;
use maquette_contract::Version;
use std::{
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since the Unix epoch; 0 if the clock is before it.
pub fn wall_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A duration in microseconds, as reports and response trees count time; saturates.
pub fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Assigns versions to the writes of this pod, unique and strictly increasing.
#[derive(Debug)]
pub struct VersionClock {
    writer: String,
    last: Mutex<Option<Version>>,
}

impl VersionClock {
    /// The clock of the pod `writer`.
    pub fn new(writer: &str) -> Self {
        Self { writer: writer.to_owned(), last: Mutex::new(None) }
    }

    /// A version for a write that replaces `seen`: later than `seen` and all versions before.
    pub fn next_version(&self, seen: Option<&Version>) -> Version {
        let mut last = lock(&self.last);
        let version = Version::after(seen.max(last.as_ref()), wall_millis(), &self.writer);
        *last = Some(version.clone());
        version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_millisecond_differ_and_grow() {
        let clock = VersionClock::new("web-1");
        let versions: Vec<_> = (0..10_000).map(|_| clock.next_version(None)).collect();
        assert!(versions.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn a_write_is_later_than_what_it_replaces() {
        let ahead = Version { millis: wall_millis() + 50_000, counter: 3, writer: "other".into() };
        assert!(VersionClock::new("web-1").next_version(Some(&ahead)) > ahead);
    }
}
