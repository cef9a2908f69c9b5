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
    /// The version of a write by `writer` at `now_millis` that replaces `seen`: newer than `seen`,
    /// also if the clock is behind it.
    pub fn after(seen: Option<&Version>, now_millis: u64, writer: &str) -> Self {
        let (millis, counter) = match seen {
            Some(seen) if seen.millis >= now_millis => match seen.counter.checked_add(1) {
                Some(counter) => (seen.millis, counter),
                None => (seen.millis.saturating_add(1), 0),
            },
            _ => (now_millis, 0),
        };
        Self { millis, counter, writer: writer.to_owned() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        Some(Self {
            millis: parts.next()?.parse().ok()?,
            counter: parts.next()?.parse().ok()?,
            writer: parts.next()?.to_owned(),
        })
    }
}

/// A string that is not a valid version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version {0:?} must be <milliseconds>.<counter>.<writer>")]
pub struct VersionError(String);

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
    fn parses_its_own_text() {
        let version = Version { millis: 1, counter: 2, writer: "shop-web-0.x".into() };
        assert_eq!(version.to_string().parse(), Ok(version));
        assert!("1.x.a".parse::<Version>().is_err());
    }
}
