//! Sets of collections in words.

use maquette_contract::{Collection, CollectionSet, Hop, Routes};

/// Such as `a, b`, `all collections` or `all collections but a`.
pub fn collections_text(set: &CollectionSet) -> String {
    match set {
        CollectionSet::Only(collections) => join_names(collections),
        CollectionSet::AllBut(collections) if collections.is_empty() => {
            "all collections".to_owned()
        }
        CollectionSet::AllBut(collections) => {
            format!("all collections but {}", join_names(collections))
        }
    }
}

pub(super) fn join_names<'a>(collections: impl IntoIterator<Item = &'a Collection>) -> String {
    collections.into_iter().map(Collection::as_str).collect::<Vec<_>>().join(", ")
}

/// The collections whose requests `routes` do not send any further; none if there are none.
pub(super) fn local_collections(routes: &Routes) -> Option<String> {
    let named = routes.collections.iter().filter(|(_, hop)| **hop == Some(Hop::Own));
    let rest = match (&routes.rest, routes.collections.is_empty()) {
        (Some(Hop::Own), true) => Some("all collections"),
        (Some(Hop::Own), false) => Some("other collections"),
        (Some(Hop::Call(_)) | None, _) => None,
    };
    let names: Vec<_> = named.map(|(collection, _)| collection.as_str()).chain(rest).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_all_collections_only_if_none_is_named() {
        let routes = |text: &str| serde_json::from_str::<Routes>(text).unwrap();
        assert_eq!(
            local_collections(&routes(r#"{"rest":"own"}"#)).as_deref(),
            Some("all collections")
        );
        let some = r#"{"collections":{"a":"own","b":null},"rest":"own"}"#;
        assert_eq!(local_collections(&routes(some)).as_deref(), Some("a, other collections"));
        assert_eq!(local_collections(&routes(r#"{"rest":{"call":"below"}}"#)), None);
    }

    #[test]
    fn sets_of_collections_read_well() {
        let a: Collection = "a".parse().unwrap();
        let b: Collection = "b".parse().unwrap();
        assert_eq!(collections_text(&CollectionSet::Only([a.clone(), b].into())), "a, b");
        assert_eq!(collections_text(&CollectionSet::AllBut([].into())), "all collections");
        assert_eq!(collections_text(&CollectionSet::AllBut([a].into())), "all collections but a");
    }
}
