//! Lists of items, page by page.

use super::*;
use maquette_contract::ItemPage;
use std::collections::BTreeSet;

fn page(got: &ClientResponse) -> ItemPage {
    assert_eq!(got.status, StatusCode::OK, "{}", got.text());
    match got.answer().outcome {
        Outcome::Page(page) => page,
        other => panic!("no page: {other:?}"),
    }
}

/// The ids of all pages, over the links from each to the next.
async fn list_all(service: &Service, first: &str, limit: usize) -> BTreeSet<String> {
    let (mut ids, mut path) = (BTreeSet::new(), first.to_owned());
    loop {
        let got = service.get(&path).await;
        let page = page(&got);
        assert!(page.items.len() <= limit, "{path}: {}", page.items.len());
        for item in page.items {
            assert!(ids.insert(item.id.clone().into()), "{:?} is listed twice", item.id);
        }
        let Some(link) = got.headers.get("link") else {
            assert_eq!(page.next, None);
            return ids;
        };
        let link = link.to_str().unwrap();
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(path.contains(&page.next.unwrap()), "{path}");
    }
}

#[tokio::test]
async fn a_collection_is_listed_in_pages_over_its_hops() {
    let store = Store::start().await;
    let catalog = Service::start("catalog", owner_config(&store.address)).await;
    let client = Service::start("client", thin_client_config("catalog", &catalog.address)).await;
    let mut pairs = vec![];
    for id in 0..123 {
        pairs.push((format!("books/{id}"), r#"{"version":"1.0.x","value":1}"#));
        pairs.push((format!("ads/{id}"), r#"{"version":"1.0.x","value":1}"#));
    }
    pairs.push(("books/gone".to_owned(), r#"{"version":"1.0.x","deleted":true}"#));
    pairs.push(("books/broken".to_owned(), "x"));
    store.fill(&pairs).await;
    let expected: BTreeSet<String> = (0..123).map(|id| id.to_string()).collect();
    for (path, limit) in [
        ("/items/books", 100),
        ("/items/books?limit=7", 7),
        ("/items/books?limit=1000", 1000),
        ("/items/books?limit=1", 1),
    ] {
        assert_eq!(list_all(&client, path, limit).await, expected, "{path}");
    }
    assert_eq!(list_all(&client, "/items/none", 100).await, BTreeSet::new());
    let text = client.get_with("/items/books?limit=2", &[("accept", "text/plain")]).await;
    assert!(text.text().starts_with("books: 2 items\n  "), "{}", text.text());
}

#[tokio::test]
async fn a_malformed_list_is_400() {
    let store = Store::start().await;
    let web = Service::start("web", owner_config(&store.address)).await;
    for query in ["limit=0", "limit=1001", "limit=x", "after=x", "offset=3", "limit=%ff"] {
        let got = web.get(&format!("/items/books?{query}")).await;
        got.error(StatusCode::BAD_REQUEST);
    }
    // The last ones are numbers that no page ends with.
    for after in ["", "-1", "+", "281474976710656", "18446744073709551615"] {
        let error = web.get(&format!("/items/books?after={after}")).await;
        let error = error.error(StatusCode::BAD_REQUEST);
        assert!(
            error.starts_with(&format!("after=\"{}\" is not", after.replace('+', " "))),
            "{error}"
        );
    }
    web.get("/items/Books").await.error(StatusCode::BAD_REQUEST);
}
