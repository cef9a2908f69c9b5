//! What a write makes of an item. Pure.

use maquette_contract::{Content, RecentRequests, Record, RequestId, Version};

/// A write of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemWrite {
    /// What the write leaves: a value, or a tombstone.
    pub content: Content,
    /// What must hold for the write to be made; none: it is always made.
    pub precondition: Option<Precondition>,
    /// The request that the write belongs to. Retries have the same, and are made once.
    pub request: RequestId,
}

/// What must hold of an item for a write to be made. A deleted item does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The item exists, in any version (`If-Match: *`).
    Exists,
    /// The item does not exist (`If-None-Match: *`).
    Absent,
    /// The item exists in this version (`If-Match`).
    VersionIs(Version),
}

/// A write that was made, now or by an earlier attempt of the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenItem {
    /// The record that the write made.
    pub record: Record,
    /// Whether the item did not exist before.
    pub is_new: bool,
}

/// What a write makes of the current record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteDecision {
    /// The record replaces the current one.
    Write(WrittenItem),
    /// An earlier attempt of the request made this version; nothing is to be written.
    Repeated(Version),
    /// The precondition does not hold; nothing is to be written.
    PreconditionFailed {
        /// The version of the item; none if it does not exist.
        current: Option<Version>,
    },
}

impl ItemWrite {
    /// Decides what the write makes of the `current` record. `next_version` gives the version of a
    /// write that replaces the one given.
    pub fn apply(
        &self,
        current: Option<&Record>,
        next_version: impl FnOnce(Option<&Version>) -> Version,
    ) -> WriteDecision {
        let repeated = current.and_then(|record| record.requests.version_of(self.request));
        if let Some(version) = repeated {
            return WriteDecision::Repeated(version.clone());
        }
        let existing = current.filter(|record| record.value().is_some());
        let is_met = match &self.precondition {
            None => true,
            Some(Precondition::Exists) => existing.is_some(),
            Some(Precondition::Absent) => existing.is_none(),
            Some(Precondition::VersionIs(version)) => {
                existing.is_some_and(|record| record.version == *version)
            }
        };
        if !is_met {
            let current = existing.map(|record| record.version.clone());
            return WriteDecision::PreconditionFailed { current };
        }
        let version = next_version(current.map(|record| &record.version));
        let before = current.map(|record| record.requests.clone()).unwrap_or_default();
        let requests = before.with(self.request, version.clone());
        let record = Record { version, content: self.content.clone(), requests };
        WriteDecision::Write(WrittenItem { record, is_new: existing.is_none() })
    }

    /// The result of a write that an earlier attempt of the same request made as `version`.
    pub fn repeated(&self, version: Version) -> WrittenItem {
        let requests = RecentRequests::default().with(self.request, version.clone());
        let record = Record { version, content: self.content.clone(), requests };
        WrittenItem { record, is_new: false }
    }
}

#[cfg(test)]
impl ItemWrite {
    /// An unconditional write of a number.
    pub(crate) fn of_number(value: u64) -> Self {
        let content = Content::Value(value.to_string().parse().unwrap());
        Self { content, precondition: None, request: RequestId::new(rand::random()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(millis: u64) -> Version {
        Version { millis, counter: 0, writer: "w".into() }
    }

    fn write(precondition: Option<Precondition>, request: u128) -> ItemWrite {
        let content = Content::Value("1".parse().unwrap());
        ItemWrite { content, precondition, request: RequestId::new(request) }
    }

    fn written(decision: WriteDecision) -> WrittenItem {
        match decision {
            WriteDecision::Write(written) => written,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeated_request_makes_no_second_version() {
        let first = written(write(None, 1).apply(None, |_| version(1)));
        assert!(first.is_new);
        let second = written(write(None, 2).apply(Some(&first.record), |_| version(2)));
        assert!(!second.is_new);
        let again = write(None, 1).apply(Some(&second.record), |_| version(3));
        assert_eq!(again, WriteDecision::Repeated(version(1)));
        // Also if its own write has made the precondition false.
        let created = written(write(Some(Precondition::Absent), 5).apply(None, |_| version(1)));
        let again =
            write(Some(Precondition::Absent), 5).apply(Some(&created.record), |_| version(2));
        assert_eq!(again, WriteDecision::Repeated(version(1)));
    }

    #[test]
    fn a_write_is_made_only_if_its_precondition_holds() {
        let value = Record::new(version(1), Content::Value("0".parse().unwrap()));
        let deleted = Record::new(version(1), Content::Deleted);
        let is_made = |precondition, current: Option<&Record>| {
            let decision = write(Some(precondition), 1).apply(current, |_| version(2));
            match decision {
                WriteDecision::Write(_) => true,
                WriteDecision::PreconditionFailed { current: failed } => {
                    let existing = current.filter(|record| record.value().is_some());
                    assert_eq!(failed, existing.map(|record| record.version.clone()));
                    false
                }
                WriteDecision::Repeated(_) => panic!("{decision:?}"),
            }
        };
        let one = || Precondition::VersionIs(version(1));
        let other = || Precondition::VersionIs(version(2));
        for (current, exists) in [(Some(&value), true), (Some(&deleted), false), (None, false)] {
            assert_eq!(is_made(Precondition::Exists, current), exists);
            assert_eq!(is_made(Precondition::Absent, current), !exists);
            assert_eq!(is_made(one(), current), exists);
            assert!(!is_made(other(), current));
        }
    }

    #[test]
    fn a_write_after_a_deletion_is_newer_than_the_tombstone() {
        let deleted = Record::new(version(7), Content::Deleted);
        let made =
            written(write(None, 1).apply(Some(&deleted), |seen| Version::after(seen, 1, "w")));
        assert!(made.record.version > version(7) && made.is_new);
    }
}
