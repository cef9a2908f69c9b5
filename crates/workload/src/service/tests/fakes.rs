//! Fake components.

use super::*;

/// Starts a component that answers every request but the probe's with `answer`.
pub(super) async fn fake_component<F, A>(answer: F) -> Address
where
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    let (listener, address) = listen().await;
    serve_fake(listener, answer);
    address
}

pub(super) fn serve_fake<F, A>(listener: TcpListener, answer: F) -> JoinHandle<()>
where
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    let router = Router::new()
        .route("/ping", axum::routing::get(async || StatusCode::NO_CONTENT))
        .fallback(move |request: Request| answer(request));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

pub(super) fn fake_tree(name: &str) -> ResponseTree {
    ResponseTree {
        component: component(name),
        role: Role::Service,
        pod: format!("shop-{name}-1"),
        micros: 1,
        queries: vec![],
        calls: vec![],
        error: None,
    }
}

pub(super) fn fake_answer(name: &str, outcome: Outcome) -> Response {
    Json(Answer { outcome, trace: fake_tree(name), padding: String::new() }).into_response()
}

/// A summary of the fake component `name`.
pub(super) fn fake_summary(name: &str, collections: &[(&str, u64)]) -> Response {
    let collection = |items| CollectionSummary { items, ..CollectionSummary::default() };
    let collections = collections
        .iter()
        .map(|(collection_name, items)| (collection_name.parse().unwrap(), collection(*items)));
    fake_answer(
        name,
        Outcome::Summary(Summary { collections: collections.collect(), truncated: false }),
    )
}

/// An item of the fake component `name`.
pub(super) fn fake_item(name: &str, collection: &str, id: &str) -> Response {
    fake_answer(
        name,
        Outcome::Item {
            collection: collection.parse().unwrap(),
            id: id.to_owned().try_into().unwrap(),
            version: Version { millis: 1, counter: 0, writer: "fake".into() },
            value: serde_json::to_string(name).unwrap().parse().unwrap(),
        },
    )
}
