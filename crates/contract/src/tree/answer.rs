//! The answer to a request, and its JSON form.
//!
//! The JSON form is written here by hand: `#[serde(flatten)]` buffers what it reads, and an
//! [`ItemValue`] is read as raw text.

use crate::{Collection, ItemId, ItemValue, ResponseTree, Summary, Version};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

/// The body of each response on the traffic port, also of errors. As JSON, the outcome is the
/// member `item`, `deleted`, `page`, `summary` or `error`, beside `trace` and `padding`. Beside the
/// `error` of an item that was deleted is its `deletedVersion`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The result of the request.
    pub outcome: Outcome,
    /// The calls and queries that the request made.
    pub trace: ResponseTree,
    /// Padding up to the component's `responseSize`.
    pub padding: String,
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An item that was read or written.
    Item {
        /// The collection of the item.
        collection: Collection,
        /// The id, unique in the collection.
        id: ItemId,
        /// The version that was read or written.
        version: Version,
        /// The value that the user wrote, byte for byte.
        value: ItemValue,
    },
    /// An item that was deleted.
    Deleted {
        /// The collection of the item.
        collection: Collection,
        /// The id, unique in the collection.
        id: ItemId,
        /// The version of the deletion.
        version: Version,
    },
    /// A page of the items of a collection.
    Page(ItemPage),
    /// The summary of all items.
    Summary(Summary),
    /// The item that was to be read was deleted, as far as the owner remembers.
    WasDeleted {
        /// That there is no such item, in one line.
        error: String,
        /// The version of the deletion.
        version: Version,
    },
    /// The reason of a failure, in one line.
    Error(String),
}

/// A page of the items of a collection, in an unspecified order. It may have fewer items than were
/// requested, also none; only one without `next` is the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPage {
    /// The collection.
    pub collection: Collection,
    /// The items; those that were deleted are left out.
    pub items: Vec<PageItem>,
    /// The cursor of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An item of a page, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageItem {
    /// The id, unique in the collection.
    pub id: ItemId,
    /// The version of the last write.
    pub version: Version,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct ItemMembers<'a> {
            collection: &'a Collection,
            id: &'a ItemId,
            version: &'a Version,
            value: &'a ItemValue,
        }
        #[derive(Serialize)]
        struct DeletedMembers<'a> {
            collection: &'a Collection,
            id: &'a ItemId,
            version: &'a Version,
        }
        let members = if self.padding.is_empty() { 2 } else { 3 };
        let members = members + usize::from(matches!(self.outcome, Outcome::WasDeleted { .. }));
        let mut answer = to.serialize_struct("Answer", members)?;
        match &self.outcome {
            Outcome::Item { collection, id, version, value } => {
                answer.serialize_field("item", &ItemMembers { collection, id, version, value })?;
            }
            Outcome::Deleted { collection, id, version } => {
                answer.serialize_field("deleted", &DeletedMembers { collection, id, version })?;
            }
            Outcome::Page(page) => answer.serialize_field("page", page)?,
            Outcome::Summary(summary) => answer.serialize_field("summary", summary)?,
            Outcome::WasDeleted { error, version } => {
                answer.serialize_field("error", error)?;
                answer.serialize_field("deletedVersion", version)?;
            }
            Outcome::Error(error) => answer.serialize_field("error", error)?,
        }
        answer.serialize_field("trace", &self.trace)?;
        if !self.padding.is_empty() {
            answer.serialize_field("padding", &self.padding)?;
        }
        answer.end()
    }
}

/// What an answer may have as its members.
#[derive(Deserialize)]
struct AnswerJson {
    item: Option<ItemJson>,
    deleted: Option<DeletedJson>,
    page: Option<ItemPage>,
    summary: Option<Summary>,
    error: Option<String>,
    #[serde(rename = "deletedVersion")]
    deleted_version: Option<Version>,
    trace: ResponseTree,
    #[serde(default)]
    padding: String,
}

#[derive(Deserialize)]
struct DeletedJson {
    collection: Collection,
    id: ItemId,
    version: Version,
}

#[derive(Deserialize)]
struct ItemJson {
    collection: Collection,
    id: ItemId,
    version: Version,
    value: ItemValue,
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let AnswerJson { item, deleted, page, summary, error, deleted_version, trace, padding } =
            AnswerJson::deserialize(from)?;
        let error = error.map(|error| match deleted_version {
            Some(version) => Outcome::WasDeleted { error, version },
            None => Outcome::Error(error),
        });
        let item = item.map(|ItemJson { collection, id, version, value }| Outcome::Item {
            collection,
            id,
            version,
            value,
        });
        let deleted = deleted.map(|DeletedJson { collection, id, version }| Outcome::Deleted {
            collection,
            id,
            version,
        });
        let mut outcomes =
            [item, deleted, page.map(Outcome::Page), summary.map(Outcome::Summary), error]
                .into_iter()
                .flatten();
        match (outcomes.next(), outcomes.next()) {
            (Some(outcome), None) => Ok(Self { outcome, trace, padding }),
            _ => Err(de::Error::custom(
                "an answer has one of item, deleted, page, summary and error",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn answer(outcome: Outcome) -> Answer {
        let trace = ResponseTree {
            component: "web".parse().unwrap(),
            role: Role::Service,
            pod: "web-1".into(),
            micros: 1,
            queries: vec![],
            calls: vec![],
            error: None,
        };
        Answer { outcome, trace, padding: String::new() }
    }

    #[test]
    fn the_value_of_an_item_survives_byte_for_byte() {
        for text in [r#"{"b":1.50,"a":[ -0,1e999 ],"a":"\u00e9\ud800"}"#, "null", "1e15", "\"\""] {
            let outcome = Outcome::Item {
                collection: "books".parse().unwrap(),
                id: "7".to_owned().try_into().unwrap(),
                version: "1.0.a".parse().unwrap(),
                value: text.parse().unwrap(),
            };
            let answer = answer(outcome);
            let json = serde_json::to_string(&answer).unwrap();
            assert!(json.contains(&format!(r#""value":{text}}},"trace":{{"#)), "{json}");
            assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
        }
    }

    #[test]
    fn an_answer_has_one_outcome_beside_its_trace() {
        let (collection, id): (Collection, ItemId) =
            ("a".parse().unwrap(), "1".to_owned().try_into().unwrap());
        let version: Version = "1.0.a".parse().unwrap();
        let page = ItemPage {
            collection: collection.clone(),
            items: vec![PageItem { id: id.clone(), version: version.clone() }],
            next: Some("7".into()),
        };
        for outcome in [
            Outcome::Summary(Summary::default()),
            Outcome::Error("none".into()),
            Outcome::WasDeleted { error: "none".into(), version: version.clone() },
            Outcome::Deleted { collection, id, version },
            Outcome::Page(page),
        ] {
            let mut answer = answer(outcome);
            answer.padding = "xx".into();
            let json = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
            let two = json.replacen(
                '{',
                r#"{"item":{"collection":"a","id":"1","version":"1.0.a","value":1},"#,
                1,
            );
            assert!(serde_json::from_str::<Answer>(&two).is_err(), "{two}");
        }
    }
}
