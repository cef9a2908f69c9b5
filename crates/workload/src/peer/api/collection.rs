//! A page of a collection that the peers hold, for users.

use crate::{
    backend::QueryLog,
    http::PageRequest,
    peer::{
        coordinate::{Collector, Coordinator, Unavailable, collect_items},
        replica::ListedItem,
    },
};
use maquette_contract::{ItemPage, PageItem};
use std::ops::ControlFlow;
use tokio::time::Instant;

/// Items of any collection that a page looks at; then it may have fewer items than were requested.
const MAX_EXAMINED: usize = 2000;

/// The next items of all collections.
#[derive(Debug, Default)]
struct NextItems {
    items: Vec<ListedItem>,
    /// Whether there are more.
    has_more: bool,
}

impl Collector for NextItems {
    fn add_item(&mut self, item: ListedItem) -> ControlFlow<()> {
        if self.items.len() == MAX_EXAMINED {
            self.has_more = true;
            return ControlFlow::Break(());
        }
        self.items.push(item);
        ControlFlow::Continue(())
    }
}

/// # Errors
/// If too few peers list their items before the deadline.
pub(super) async fn list_collection(
    coordinator: &Coordinator,
    list: &PageRequest,
    deadline: Instant,
    log: QueryLog<'_>,
) -> Result<ItemPage, Unavailable> {
    let NextItems { items, has_more } =
        collect_items(coordinator, list.after.as_deref(), deadline, log).await?;
    Ok(select_page(items, has_more, list))
}

/// The page of these items; `next` is the key of the last one that was looked at.
fn select_page(items: Vec<ListedItem>, mut has_more: bool, list: &PageRequest) -> ItemPage {
    let mut page = ItemPage { collection: list.collection.clone(), items: vec![], next: None };
    for item in items {
        if page.items.len() == list.limit {
            has_more = true;
            break;
        }
        page.next = Some(item.key.to_string());
        // A deleted item has no bytes; one without an intact copy has no version either.
        let is_listed = item.bytes.is_some() && item.key.collection == list.collection;
        if let Some(version) = item.version.filter(|_| is_listed) {
            page.items.push(PageItem { id: item.key.id, version });
        }
    }
    page.next = page.next.filter(|_| has_more);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::{ItemKey, Version};

    fn item(key: &str, bytes: Option<u64>) -> ListedItem {
        let version = Version { millis: 1, counter: 0, writer: "a".into() };
        ListedItem {
            key: ItemKey::parse(key).unwrap(),
            version: Some(version),
            bytes,
            damaged: false,
        }
    }

    #[test]
    fn a_page_has_items_of_its_collection_that_exist() {
        let list = |limit| {
            let items = ["b/1", "a/1", "a/2", "b/2", "a/3"].map(|key| item(key, Some(1)));
            let mut items = Vec::from(items);
            items[2].bytes = None;
            let list = PageRequest { collection: "a".parse().unwrap(), limit, after: None };
            let page = select_page(items, false, &list);
            let ids: Vec<String> = page.items.into_iter().map(|item| item.id.into()).collect();
            (ids, page.next)
        };
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(list(1), (ids(&["1"]), Some("a/1".to_owned())));
        assert_eq!(list(2), (ids(&["1", "3"]), None));
        assert_eq!(list(3), (ids(&["1", "3"]), None));
    }
}
