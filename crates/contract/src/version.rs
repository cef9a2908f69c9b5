//! Versions of items: a hybrid logical clock and the writer.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Which write of an item this is.
///
/// A hybrid logical clock (Kulkarni, Demirbas et al., "Logical Physical Clocks and Consistent
/// Snapshots in Globally Distributed Databases", 2014) and, to tell apart two writes of one
/// instant, the pod that made it. Versions order as the fields stand. As text:
/// `<milliseconds>.<counter>.<writer>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Milliseconds since the Unix epoch, never less than any version seen.
    pub millis: u64,
    /// Orders the writes of one millisecond.
    pub counter: u32,
    /// The pod that made the write.
    pub writer: String,
}

impl Version {
    /// The version of a write that `writer` makes at `now_millis` and that replaces `seen`: later
    /// than the clock's time and than what it replaces, whichever is later.
    pub fn after(seen: Option<&Version>, now_millis: u64, writer: &str) -> Self {
        let writer = writer.to_owned();
        match seen {
            Some(seen) if seen.millis >= now_millis => match seen.counter.checked_add(1) {
                Some(counter) => Self { millis: seen.millis, counter, writer },
                None => Self { millis: seen.millis.saturating_add(1), counter: 0, writer },
            },
            _ => Self { millis: now_millis, counter: 0, writer },
        }
    }
}

/// Why a string is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version {0:?} must be <milliseconds>.<counter>.<writer>")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || VersionError(text.to_owned());
        let (millis, rest) = text.split_once('.').ok_or_else(bad)?;
        let (counter, writer) = rest.split_once('.').ok_or_else(bad)?;
        Ok(Self {
            millis: millis.parse().map_err(|_| bad())?,
            counter: counter.parse().map_err(|_| bad())?,
            writer: writer.to_owned(),
        })
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
    fn a_write_is_later_than_what_it_replaces_even_if_the_clock_is_behind() {
        let seen = Version { millis: 100, counter: 7, writer: "b".into() };
        let behind = Version::after(Some(&seen), 40, "a");
        assert_eq!(behind.to_string(), "100.8.a");
        assert!(behind > seen);
        assert_eq!(Version::after(Some(&seen), 101, "a").to_string(), "101.0.a");
        assert_eq!(Version::after(None, 5, "a").to_string(), "5.0.a");
    }

    #[test]
    fn text_is_parsed_back() {
        let version = Version { millis: 1, counter: 2, writer: "shop-web-0.x".into() };
        assert_eq!(version.to_string().parse(), Ok(version));
        assert!("1.x.a".parse::<Version>().is_err());
    }
}
