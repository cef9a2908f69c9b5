//! The record of an item: how it is kept on disk and sent between components.

use super::{ItemValue, RecentRequests, Version, VersionAheadError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

/// An item as it is kept, as JSON `{"version": ..., "value": ...}` or, after it was deleted,
/// `{"version": ..., "deleted": true}`; with `requests` unless there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The version of the last write.
    pub version: Version,
    /// What the last write left.
    pub content: Content,
    /// The last writes.
    pub requests: RecentRequests,
}

/// What a write leaves of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A value; `null` is one.
    Value(ItemValue),
    /// A tombstone: the item was deleted. It is kept so that no older copy of the item comes back.
    Deleted,
}

/// Bytes that are kept as an item and cannot be used: the item is damaged.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The bytes are not a record.
    #[error("it is not a record: {0}")]
    Format(#[from] serde_json::Error),
    /// The record's version is too far ahead.
    #[error(transparent)]
    Ahead(#[from] VersionAheadError),
}

impl Record {
    /// Reads the record that another pod has written. The own clock shows `now_millis`.
    ///
    /// # Errors
    /// If the item is damaged.
    pub fn read(text: &[u8], now_millis: u64) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(text)?;
        record.version.check_not_ahead(now_millis)?;
        Ok(record)
    }

    /// A record without remembered requests.
    pub fn new(version: Version, content: Content) -> Self {
        Self { version, content, requests: RecentRequests::default() }
    }

    /// The value; none if the item was deleted.
    pub fn value(&self) -> Option<&ItemValue> {
        match &self.content {
            Content::Value(value) => Some(value),
            Content::Deleted => None,
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct SentRecord<'a> {
            version: &'a Version,
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<&'a ItemValue>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            deleted: bool,
            #[serde(skip_serializing_if = "RecentRequests::is_empty")]
            requests: &'a RecentRequests,
        }
        let Self { version, requests, .. } = self;
        let value = self.value();
        SentRecord { version, value, deleted: value.is_none(), requests }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct ReceivedRecord {
            version: Version,
            #[serde(default, deserialize_with = "present")]
            value: Option<ItemValue>,
            #[serde(default)]
            deleted: bool,
            #[serde(default)]
            requests: RecentRequests,
        }
        let ReceivedRecord { version, value, deleted, requests } =
            ReceivedRecord::deserialize(from)?;
        check_content(value.is_some(), deleted)?;
        let content = value.map_or(Content::Deleted, Content::Value);
        Ok(Self { version, content, requests })
    }
}

/// A member that is present, even if it is null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn check_content<E: de::Error>(has_value: bool, deleted: bool) -> Result<(), E> {
    if has_value == deleted {
        return Err(E::custom("a record has either a value or \"deleted\": true"));
    }
    Ok(())
}

/// A record of which the value is not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// The version of the last write.
    pub version: Version,
    /// The size of the value as JSON, in bytes; none if the item was deleted.
    pub value_bytes: Option<u64>,
}

impl RecordHead {
    /// As [`Record::read`].
    ///
    /// # Errors
    /// If the item is damaged.
    pub fn read(text: &[u8], now_millis: u64) -> Result<Self, RecordError> {
        let head = Self::parse(text)?;
        head.version.check_not_ahead(now_millis)?;
        Ok(head)
    }

    /// Reads a [`Record`]; it accepts the same texts.
    ///
    /// # Errors
    /// If the text is not a record.
    pub fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct ReceivedHead<'a> {
            version: Version,
            #[serde(borrow, default, deserialize_with = "present")]
            value: Option<&'a RawValue>,
            #[serde(default)]
            deleted: bool,
            #[serde(default, rename = "requests")]
            _requests: RecentRequests,
        }
        let ReceivedHead { version, value, deleted, .. } = serde_json::from_slice(text)?;
        check_content(value.is_some(), deleted)?;
        Ok(Self { version, value_bytes: value.map(|value| value.get().len() as u64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RequestId;

    fn version() -> Version {
        "5.0.a".parse().unwrap()
    }

    #[test]
    fn a_record_has_a_value_or_is_deleted() {
        let value = |text: &str| Content::Value(text.parse().unwrap());
        for (content, bytes, json) in [
            (value("[ 1.0 ]"), Some(7), r#"{"version":"5.0.a","value":[ 1.0 ]}"#),
            (value("null"), Some(4), r#"{"version":"5.0.a","value":null}"#),
            (Content::Deleted, None, r#"{"version":"5.0.a","deleted":true}"#),
        ] {
            let record = Record::new(version(), content);
            assert_eq!(serde_json::to_string(&record).unwrap(), json);
            assert_eq!(serde_json::from_str::<Record>(json).unwrap(), record);
            let head = RecordHead { version: version(), value_bytes: bytes };
            assert_eq!(RecordHead::parse(json.as_bytes()).unwrap(), head);
        }
        for json in [
            r#"{"version":"5.0.a"}"#,
            r#"{"version":"5.0.a","value":1,"deleted":true}"#,
            r#"{"version":"5","value":1}"#,
            r#"{"version":"5.0.a","value":1,"value":2}"#,
            r#"{"version":"5.0.a","value":1,"requests":[["x","5.0.a"]]}"#,
            r#"{"version":"5.0.a","value":1} 2"#,
            "\"text\"",
            "",
        ] {
            assert!(serde_json::from_str::<Record>(json).is_err(), "{json}");
            assert!(RecordHead::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn the_last_requests_are_kept() {
        let requests = RecentRequests::default().with(RequestId::new(1), version());
        let record = Record { requests, ..Record::new(version(), Content::Deleted) };
        let json = serde_json::to_string(&record).unwrap();
        let expected = r#"{"version":"5.0.a","deleted":true,"requests":[["00000000000000000000000000000001","5.0.a"]]}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }

    #[test]
    fn a_value_of_any_depth_is_read() {
        let value = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let json = format!(r#"{{"version":"5.0.a","value":{value}}}"#);
        let record: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(record.value().unwrap().as_str(), value);
        assert_eq!(serde_json::to_string(&record).unwrap(), json);
    }
}
