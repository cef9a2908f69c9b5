//! The revision of a component's configuration: a hash of its text.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Identifies a configuration by its content: equal configurations have equal revisions, also after
/// a restart of the operator. It is a 64-bit FNV-1a hash, as 16 hexadecimal digits
/// (Fowler, Noll, Vo: <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(String);

impl Revision {
    /// The revision of these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let hash =
            bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
        Self(format!("{hash:016x}"))
    }

    /// The revision as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_vectors() {
        assert_eq!(Revision::of_bytes(b"").as_str(), "cbf29ce484222325");
        assert_eq!(Revision::of_bytes(b"a").as_str(), "af63dc4c8601ec8c");
        assert_eq!(Revision::of_bytes(b"foobar").as_str(), "85944171f73967e8");
    }
}
