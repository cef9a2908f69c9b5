//! Connections that break without being closed, as when a machine or a load balancer fails.

use crate::support::{
    Forwarder, Operator, Request, TestNamespace, control_plane, eventually, seconds, soon,
};

/// Takes nearly a minute, since it waits for the bound itself.
#[tokio::test]
async fn watches_on_broken_connections_resume_within_60_s_without_a_list() {
    let namespace = TestNamespace::new("broken").await;
    let forwarder = Forwarder::start(control_plane()).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let kubeconfig = directory.path().join("kubeconfig");
    forwarder.write_kubeconfig(control_plane(), &kubeconfig);
    let scope = ["--namespaces", &namespace.name, "--leader-elect", "false"];
    let operator = Operator::start_as(&kubeconfig, &scope);
    namespace.apply("before", "{shape: ClientServer}").await;
    namespace.await_children("before").await;
    let lists = lists_within(&namespace);

    forwarder.break_connections();
    namespace.apply("after", "{shape: ClientServer}").await;
    eventually("the new Architecture is seen", seconds(60), async || {
        let children = namespace.children("after").await.len();
        if children > 0 { Ok(()) } else { Err("it has no children".to_owned()) }
    })
    .await;
    operator.probe("/livez").await.expect("it is alive");
    // Only once every watch works again are the children seen, and the status is complete.
    eventually("all watches work again", soon(), async || {
        let metrics = operator.metrics().await;
        let failing = metrics.lines().filter(|line| line.starts_with("maquette_watch_failing{"));
        let failing: Vec<_> = failing.filter(|line| line.ends_with(" 1")).collect();
        if failing.is_empty() { Ok(()) } else { Err(failing.join("\n")) }
    })
    .await;
    namespace.await_children("after").await;
    assert_eq!(lists_within(&namespace), lists, "a watch was not resumed but began with a list");
}

/// The lists of watches. The other lists are of what explains a wait, and of objects without our
/// labels, whose names a new Architecture may need: their selectors have a `!`.
fn lists_within(namespace: &TestNamespace) -> usize {
    let on_demand = ["events", "horizontalpodautoscalers"];
    let requests = Request::within(&namespace.name).into_iter();
    let lists = requests.filter(|r| r.verb == "list" && !r.uri.contains("%21"));
    lists.filter(|r| !on_demand.contains(&r.resource.as_str())).count()
}
