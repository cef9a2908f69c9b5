//! Entity tags, preconditions and deletions, over two hops.

use super::*;

struct TwoHops {
    store: Store,
    _catalog: Service,
    client: Service,
}

impl TwoHops {
    async fn start() -> Self {
        let store = Store::start().await;
        let catalog = Service::start("catalog", owner_config(&store.address)).await;
        let config = thin_client_config("catalog", &catalog.address);
        let client = Service::start("client", config).await;
        Self { store, _catalog: catalog, client }
    }

    /// The status and the entity tag of the answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Option<String>) {
        let got = send_request(&self.client.address, method, path, headers, body).await;
        if got.status.is_client_error() {
            assert_eq!(got.answer().trace.error, Some(got.error(got.status)), "with a reason");
        }
        let tag = got.headers.get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        (got.status.as_u16(), tag)
    }

    async fn put(&self, headers: &[(&str, &str)]) -> (u16, Option<String>) {
        self.send(Method::PUT, "/items/books/7", headers, "1").await
    }

    async fn get(&self, headers: &[(&str, &str)]) -> (u16, Option<String>) {
        self.send(Method::GET, "/items/books/7", headers, "").await
    }

    async fn delete(&self, headers: &[(&str, &str)]) -> u16 {
        self.send(Method::DELETE, "/items/books/7", headers, "").await.0
    }

    async fn keys(&self) -> Vec<String> {
        let mut connection = connect(&self.store.address).await;
        let page: (u64, Vec<String>) =
            redis::cmd("SCAN").arg(0).query_async(&mut connection).await.unwrap();
        page.1
    }
}

#[tokio::test]
async fn a_new_item_is_201_and_its_version_is_the_entity_tag() {
    let hops = TwoHops::start().await;
    let (status, first) = hops.put(&[]).await;
    assert_eq!(status, 201);
    let (status, second) = hops.put(&[]).await;
    assert_eq!(status, 200);
    assert_ne!(first, second);
    assert_eq!(hops.get(&[]).await, (200, second.clone()));
    let got = hops.client.get("/items/books/7").await;
    assert_eq!(second.unwrap(), format!("\"{}\"", got.version()));
    let text = hops.client.get_with("/items/books/7", &[("accept", "text/plain")]).await;
    assert!(text.headers.contains_key("etag"), "also of a text");
}

#[tokio::test]
async fn a_client_that_has_the_version_gets_304_without_a_body() {
    let hops = TwoHops::start().await;
    let (_, old) = hops.put(&[]).await;
    let (_, new) = hops.put(&[]).await;
    let (old, new) = (old.unwrap(), new.unwrap());
    let same = [("if-none-match", new.as_str())];
    assert_eq!(hops.get(&same).await, (304, Some(new.clone())));
    let got = hops.client.get_with("/items/books/7", &same).await;
    assert_eq!(got.body.len(), 0);
    assert_eq!(hops.get(&[("if-none-match", &old)]).await.0, 200);
    assert_eq!(hops.get(&[("if-match", &old)]).await.0, 412);
    assert_eq!(hops.get(&[("if-match", &new)]).await.0, 200);
    assert_eq!(hops.get(&[("if-none-match", "no tag")]).await.0, 400);
    let traffic = hops.client.runtime.served_traffic.current_traffic();
    assert_eq!(traffic.failures, 0);
}

#[tokio::test]
async fn a_write_is_made_only_if_its_precondition_holds() {
    let hops = TwoHops::start().await;
    assert_eq!(hops.put(&[("if-match", "*")]).await.0, 412, "there is no item");
    let (status, first) = hops.put(&[("if-none-match", "*")]).await;
    assert_eq!(status, 201);
    assert_eq!(hops.put(&[("if-none-match", "*")]).await.0, 412);
    let first = first.unwrap();
    let (status, second) = hops.put(&[("if-match", &first)]).await;
    assert_eq!(status, 200);
    assert_eq!(hops.put(&[("if-match", &first)]).await.0, 412, "it has a newer version");
    assert_eq!(hops.get(&[]).await, (200, second), "a refused write changes nothing");
    assert_eq!(hops.put(&[("if-match", "\"a\", \"b\"")]).await.0, 400);
}

#[tokio::test]
async fn of_concurrent_writes_under_the_same_version_one_is_made() {
    let hops = TwoHops::start().await;
    let (_, tag) = hops.put(&[]).await;
    let tag = tag.unwrap();
    let condition = [("if-match", tag.as_str())];
    let writes = futures_util::future::join_all((0..8).map(|_| hops.put(&condition))).await;
    let made = writes.iter().filter(|(status, _)| *status == 200).count();
    let refused = writes.iter().filter(|(status, _)| *status == 412).count();
    assert_eq!((made, refused), (1, 7), "{writes:?}");
}

#[tokio::test]
async fn a_deleted_item_is_gone_until_it_is_written_again() {
    let hops = TwoHops::start().await;
    let (_, first) = hops.put(&[]).await;
    let first = first.unwrap();
    assert_eq!(hops.delete(&[("if-match", "\"1.0.other\"")]).await, 412);
    assert_eq!(hops.get(&[]).await.0, 200);
    assert_eq!(hops.delete(&[("if-match", &first)]).await, 200);
    assert_eq!(hops.get(&[]).await, (404, None));
    assert_eq!(hops.get(&[("if-none-match", "*")]).await.0, 404);
    assert_eq!(hops.delete(&[]).await, 404, "it is gone already");
    assert_eq!(hops.client.get("/summary").await.counts(), []);
    let (status, second) = hops.put(&[("if-none-match", "*")]).await;
    assert_eq!(status, 201);
    let version = |tag: &str| tag.trim_matches('"').parse::<Version>().unwrap();
    assert!(version(&second.unwrap()) > version(&first), "versions go on");
    assert_eq!(hops.delete(&[]).await, 200);
}

#[tokio::test]
async fn a_deletion_of_nothing_leaves_nothing() {
    let hops = TwoHops::start().await;
    assert_eq!(hops.delete(&[]).await, 404);
    assert_eq!(hops.delete(&[("if-match", "*")]).await, 412);
    assert_eq!(hops.delete(&[("if-none-match", "*")]).await, 400);
    assert_eq!(hops.keys().await, Vec::<String>::new());
}
