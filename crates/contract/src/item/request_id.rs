//! Identities of requests, by which a repeated write is recognized.

use crate::Version;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The identity of a request: 128 random bits, drawn where the request enters the model and the
/// same in each retry. As text: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(u128);

/// A string that is not a valid identity of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request id {0:?} must be 32 hexadecimal digits")]
pub struct RequestIdError(String);

impl RequestId {
    /// The identity with these bits; the caller draws them.
    pub fn new(bits: u128) -> Self {
        Self(bits)
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `from_str_radix` accepts a sign.
        let is_valid = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = is_valid.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        bits.map(Self).ok_or_else(|| RequestIdError(text.to_owned()))
    }
}

impl TryFrom<String> for RequestId {
    type Error = RequestIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The last writes of an item: the request of each and the version that it made, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentRequests(Vec<(RequestId, Version)>);

impl RecentRequests {
    /// The most requests that an item remembers.
    pub const MAX: usize = 16;
    /// How long a request is remembered, in milliseconds between versions: longer than its attempts
    /// take.
    const MAX_AGE_MILLIS: u64 = 15_000;

    /// Whether no request is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request may have been forgotten before its time.
    pub fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    /// The version that a request made, if it is remembered.
    pub fn version_of(&self, request: RequestId) -> Option<&Version> {
        self.0.iter().find(|(known, _)| *known == request).map(|(_, version)| version)
    }

    /// These requests and one more; old ones are dropped, and the oldest above the maximum.
    #[must_use]
    pub fn with(&self, request: RequestId, version: Version) -> Self {
        let earliest = version.millis.saturating_sub(Self::MAX_AGE_MILLIS);
        let recent = self.0.iter().filter(|(_, version)| version.millis >= earliest);
        let dropped = recent.clone().count().saturating_sub(Self::MAX - 1);
        let newest = recent.skip(dropped).cloned();
        Self(newest.chain([(request, version)]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_32_hexadecimal_digits() {
        let text = "00000000000000000000000000000a0f";
        assert_eq!(RequestId::new(0xa0f).to_string(), text);
        assert_eq!(text.parse(), Ok(RequestId::new(0xa0f)));
        assert!("a0f".parse::<RequestId>().is_err());
        assert!("+0000000000000000000000000000a0f".parse::<RequestId>().is_err());
    }

    #[test]
    fn the_newest_requests_are_remembered() {
        let version = |millis| Version { millis, counter: 0, writer: "w".into() };
        let mut requests = RecentRequests::default();
        for number in 0..20 {
            requests = requests.with(RequestId::new(u128::from(number)), version(number));
        }
        assert!(requests.is_full());
        assert_eq!(requests.version_of(RequestId::new(19)), Some(&version(19)));
        assert_eq!(requests.version_of(RequestId::new(4)), Some(&version(4)));
        assert_eq!(requests.version_of(RequestId::new(3)), None);
        let later = requests.with(RequestId::new(20), version(15_010));
        assert_eq!(later.version_of(RequestId::new(10)), Some(&version(10)));
        assert_eq!(later.version_of(RequestId::new(9)), None, "it is older than 15 s");
    }
}
