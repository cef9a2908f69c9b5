//! An object as the API server has it, also if its type cannot read it: one unreadable object must
//! not end the watch of all the others.
//!
//! Other than `kube::core::DeserializeGuard` it keeps no tree of the whole object to try again with,
//! which took more time than all else that a watch does with an event.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::PartialObjectMeta};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;

/// An object, or why its type cannot read it.
#[derive(Clone, Debug)]
pub(in crate::reconcile::watch) struct LenientObject<K>(
    pub(in crate::reconcile::watch) Result<K, UnreadableObject>,
);

/// An object that its type cannot read.
#[derive(Clone, Debug)]
pub(in crate::reconcile::watch) struct UnreadableObject {
    pub(in crate::reconcile::watch) metadata: ObjectMeta,
    pub(in crate::reconcile::watch) error: String,
}

impl<'de, K: Resource<DynamicType = ()> + DeserializeOwned> Deserialize<'de> for LenientObject<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        match serde_json::from_str(text.get()) {
            Ok(object) => Ok(Self(Ok(object))),
            Err(_) => read_again(text.get()).map(Self).map_err(D::Error::custom),
        }
    }
}

/// Reads a text from a tree: its errors name no line and column, which change with every version of
/// the object.
fn read_again<K: Resource<DynamicType = ()> + DeserializeOwned>(
    text: &str,
) -> serde_json::Result<Result<K, UnreadableObject>> {
    let tree: Value = serde_json::from_str(text)?;
    let partial = PartialObjectMeta::<K>::deserialize(&tree)?;
    Ok(serde_json::from_value(tree)
        .map_err(|error| UnreadableObject { metadata: partial.metadata, error: error.to_string() }))
}

impl<K: Resource> Resource for LenientObject<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|unreadable| &unreadable.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|unreadable| &mut unreadable.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{ResourceExt, core::WatchEvent};

    #[test]
    fn an_unreadable_object_keeps_its_metadata_and_names_no_position() {
        let text = r#"{"metadata": {"name": "a", "resourceVersion": "5"}, "data": 5}"#;
        let object: LenientObject<ConfigMap> = serde_json::from_str(text).unwrap();
        assert_eq!(object.name_any(), "a");
        let unreadable = object.0.unwrap_err();
        assert_eq!(unreadable.metadata.resource_version.as_deref(), Some("5"));
        assert_eq!(unreadable.error, "invalid type: integer `5`, expected a map");
    }

    #[test]
    fn events_are_read_in_the_order_of_the_api_server() {
        let text = r#"{"type":"ADDED","object":{"metadata":{"name":"a"},"data":{"b":"c"}}}"#;
        let event: WatchEvent<LenientObject<ConfigMap>> = serde_json::from_str(text).unwrap();
        let WatchEvent::Added(object) = event else { panic!("{event:?}") };
        assert!(object.0.is_ok_and(|object| object.data.is_some()));
        let bookmark = r#"{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1",
            "metadata":{"resourceVersion":"7"}}}"#;
        let event: WatchEvent<LenientObject<ConfigMap>> = serde_json::from_str(bookmark).unwrap();
        assert!(matches!(event, WatchEvent::Bookmark(_)));
    }

    #[test]
    fn what_has_no_metadata_is_no_object() {
        assert!(serde_json::from_str::<LenientObject<ConfigMap>>("5").is_err());
        assert!(serde_json::from_str::<LenientObject<ConfigMap>>("{").is_err());
    }
}
