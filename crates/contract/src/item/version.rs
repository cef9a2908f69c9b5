//! Versions of items: a hybrid logical clock and the writer.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The version of an item; each write makes a new one.
///
/// A hybrid logical clock (Kulkarni, Demirbas et al., "Logical Physical Clocks and Consistent
/// Snapshots in Globally Distributed Databases", 2014) and the pod that made the write, which
/// breaks ties. Versions are ordered by their fields, in the order of declaration. As text:
/// `<milliseconds>.<counter>.<writer>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Milliseconds since the Unix epoch; never less than in the replaced version.
    pub millis: u64,
    /// Orders the writes within one millisecond.
    pub counter: u32,
    /// The pod that made the write.
    pub writer: String,
}

impl Version {
    /// How far a version may be ahead of the clock of the pod that receives it. A later one is
    /// refused wherever it arrives: one wrong version would make every later write of its item
    /// vanish, and move the clocks of all pods that see it.
    pub const MAX_AHEAD_MILLIS: u64 = 60_000;
    /// The largest millisecond of a version: the end of the year 9999. No sum overflows below it.
    const MAX_MILLIS: u64 = 253_402_300_799_999;
    /// The longest writer, in bytes: the longest name of a pod.
    const MAX_WRITER: usize = 253;

    /// The version of a write by `writer` at `now_millis` that replaces `seen`: newer than `seen`,
    /// also if the clock is behind it.
    pub fn after(seen: Option<&Version>, now_millis: u64, writer: &str) -> Self {
        let (millis, counter) = match seen {
            Some(seen) if seen.millis >= now_millis => match seen.counter.checked_add(1) {
                Some(counter) => (seen.millis, counter),
                None => (seen.millis + 1, 0),
            },
            _ => (now_millis, 0),
        };
        Self { millis, counter, writer: writer.to_owned() }
    }

    /// Checks a version that another pod made against the own clock, which shows `now_millis`.
    ///
    /// # Errors
    /// If the version is more than [`Version::MAX_AHEAD_MILLIS`] ahead.
    pub fn check_not_ahead(&self, now_millis: u64) -> Result<(), VersionAheadError> {
        let ahead_millis = self.millis.saturating_sub(now_millis);
        if ahead_millis > Self::MAX_AHEAD_MILLIS {
            return Err(VersionAheadError { version: self.clone(), ahead_millis });
        }
        Ok(())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let millis = parts.next()?.parse().ok()?;
        let counter = parts.next()?.parse().ok()?;
        let writer = parts.next()?.to_owned();
        let is_valid = millis <= Self::MAX_MILLIS && writer.len() <= Self::MAX_WRITER;
        is_valid.then_some(Self { millis, counter, writer })
    }
}

/// A string that is not a valid version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "version {0:?} must be <milliseconds>.<counter>.<writer>, with a time before the year 10000"
)]
pub struct VersionError(String);

/// A version that is too far ahead of the own clock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "version {version} is {} s ahead of this pod's clock, and at most {} s are allowed: \
     synchronize the clocks of the nodes",
    .ahead_millis.div_ceil(1000),
    Version::MAX_AHEAD_MILLIS / 1000
)]
pub struct VersionAheadError {
    version: Version,
    ahead_millis: u64,
}

impl FromStr for Version {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or_else(|| VersionError(text.to_owned()))
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.millis, self.counter, self.writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_newer_than_the_replaced_version_if_the_clock_is_behind() {
        let seen = Version { millis: 100, counter: 7, writer: "b".into() };
        let behind = Version::after(Some(&seen), 40, "a");
        assert_eq!(behind.to_string(), "100.8.a");
        assert!(behind > seen);
        assert_eq!(Version::after(Some(&seen), 101, "a").to_string(), "101.0.a");
        assert_eq!(Version::after(None, 5, "a").to_string(), "5.0.a");
    }

    #[test]
    fn a_counter_at_its_end_goes_on_in_the_next_millisecond() {
        let seen = Version { millis: 100, counter: u32::MAX, writer: "b".into() };
        let next = Version::after(Some(&seen), 40, "a");
        assert_eq!(next.to_string(), "101.0.a");
        assert!(next > seen);
    }

    #[test]
    fn no_text_gives_a_version_that_has_no_later_one() {
        let last: Version = format!("253402300799999.{}.z", u32::MAX).parse().unwrap();
        assert!(Version::after(Some(&last), 1, "a") > last);
        for text in ["253402300800000.0.a", "18446744073709551615.4294967295.z"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!(format!("1.0.{}", "w".repeat(254)).parse::<Version>().is_err());
    }

    #[test]
    fn a_version_may_be_a_minute_ahead() {
        let version = |millis| Version { millis, counter: 0, writer: "a".into() };
        assert_eq!(version(5).check_not_ahead(1_000_000), Ok(()), "old versions are valid");
        assert_eq!(version(1_060_000).check_not_ahead(1_000_000), Ok(()));
        let error = version(1_060_001).check_not_ahead(1_000_000).unwrap_err().to_string();
        assert!(error.contains("1060001.0.a is 61 s ahead"), "{error}");
    }

    #[test]
    fn parses_its_own_text() {
        let version = Version { millis: 1, counter: 2, writer: "shop-web-0.x".into() };
        assert_eq!(version.to_string().parse(), Ok(version));
        assert!("1.x.a".parse::<Version>().is_err());
    }
}
