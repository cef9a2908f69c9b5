//! Many Architectures at once.

use crate::support::{Operator, Request, TestNamespace, eventually, seconds};
use kube::api::ListParams;
use maquette::api::Architecture;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_architectures_are_created_at_once() {
    const HOW_MANY: usize = 50;
    let namespace = TestNamespace::new("many").await;
    let operator = Operator::start(&namespace.name);
    let names: Vec<_> = (0..HOW_MANY).map(|n| format!("a{n}")).collect();
    let all = names
        .iter()
        .map(|name| namespace.apply(name, "{shape: ThreeTier, load: {requestsPerSecond: 0}}"));
    futures::future::join_all(all).await;
    eventually("all have all their children", seconds(180), async || {
        let list = namespace.api::<Architecture>().list(&ListParams::default()).await;
        let found = list.map_err(|error| error.to_string())?;
        let made = |one: &&Architecture| {
            let components =
                one.status.as_ref().map(|status| status.components.as_slice()).unwrap_or_default();
            components.len() == 3
                && components.iter().all(|n| n.message.as_deref() == Some("0 of 1 pods are ready"))
        };
        let made = found.iter().filter(made).count();
        if made == HOW_MANY { Ok(()) } else { Err(format!("{made} of {HOW_MANY}")) }
    })
    .await;
    let mut writes: BTreeMap<_, usize> = BTreeMap::new();
    for request in Request::within(&namespace.name).into_iter().filter(|r| r.verb == "create") {
        *writes.entry((request.resource, request.name)).or_default() += 1;
    }
    let children = namespace.children("a0").await.len() + 1;
    assert_eq!(writes.len(), HOW_MANY * children);
    assert!(writes.values().all(|count| *count == 1), "one write for each child: {writes:?}");
    assert!(!operator.log().contains("reconcile failed"), "{}", operator.log());
}
