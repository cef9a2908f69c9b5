//! Applied Architectures become objects, and removed fields are removed from them.

use crate::support::{ARCHITECTURE, AnyObject, Operator, TestNamespace, api_of, eventually, soon};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use maquette::{
    plan::{Identity, plan},
    render::{RenderSettings, first_difference, render},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The objects that an Architecture must become, by kind and name.
pub(crate) async fn expected_objects(
    namespace: &TestNamespace,
    name: &str,
) -> BTreeMap<String, Value> {
    let found =
        namespace.api::<maquette::api::Architecture>().get(name).await.expect("it is there");
    let identity = Identity {
        name: name.parse().expect("a name"),
        namespace: namespace.name.clone(),
        uid: found.uid().expect("a UID"),
    };
    let topology = plan(&found.spec.validate(name).expect("valid"), identity).expect("planned");
    let objects = render(&topology, &RenderSettings::default()).into_objects().to_values();
    let named = objects.into_iter().map(|object| {
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).expect("text");
        (format!("{} {}", text("/kind"), text("/metadata/name")), object.clone())
    });
    named.collect()
}

/// Waits until the cluster has every object of the Architecture as rendered.
pub(crate) async fn await_rendered(namespace: &TestNamespace, name: &str) {
    let expected = expected_objects(namespace, name).await;
    eventually("every object is as rendered", soon(), async || {
        let children = namespace.children(name).await;
        for (key, wanted) in &expected {
            let found = children.get(key).ok_or_else(|| format!("{key} is missing"))?;
            if let Some(field) = first_difference(wanted, found) {
                return Err(format!("{key} differs in {field}"));
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn every_shape_becomes_its_objects() {
    let namespace = TestNamespace::new("shapes-become-objects").await;
    let _operator = Operator::start(&namespace.name);
    for (name, shape) in
        [("cs", "ClientServer"), ("tt", "ThreeTier"), ("nt", "NTier"), ("pp", "PeerToPeer")]
    {
        namespace.apply(name, &format!("{{shape: {shape}}}")).await;
        let found = namespace.await_children(name).await;
        await_rendered(&namespace, name).await;
        let wanted: Vec<_> = expected_objects(&namespace, name).await.into_keys().collect();
        let made: Vec<_> = namespace.children(name).await.into_keys().collect();
        assert_eq!(made, wanted);
        let status = found.status.expect("a status");
        assert_eq!(status.entry, Some(format!("http://{name}.{}.svc", namespace.name)));
        assert_eq!(status.components_ready, Some(format!("0/{}", status.components.len())));
    }
}

#[tokio::test]
async fn fields_that_a_change_no_longer_sets_are_removed() {
    let namespace = TestNamespace::new("removed-fields").await;
    let _operator = Operator::start(&namespace.name);
    let pods = "{labels: {team: a}, annotations: {note: b}, nodeSelector: {disk: fast}}";
    namespace.apply("shop", &format!("{{shape: ThreeTier, pods: {pods}}}")).await;
    await_rendered(&namespace, "shop").await;
    let template = async |field: &str| -> Value {
        let children = namespace.children("shop").await;
        let all = ["Deployment shop-client", "StatefulSet shop-data"].map(|key| {
            let template = &children[key].data["spec"]["template"];
            template.pointer(field).cloned().unwrap_or(Value::Null)
        });
        Value::from(all.to_vec())
    };
    assert_eq!(template("/metadata/labels/team").await, serde_json::json!(["a", "a"]));
    assert_eq!(template("/spec/nodeSelector/disk").await, serde_json::json!(["fast", "fast"]));
    // The first change adopts the fields of the creation; the second shows the usual case.
    for spec in ["{shape: ThreeTier, pods: {labels: {team: c}}}", "{shape: ThreeTier}"] {
        namespace.apply("shop", spec).await;
        await_rendered(&namespace, "shop").await;
        let none = serde_json::json!([null, null]);
        eventually("the removed fields are gone", soon(), async || {
            for field in ["/metadata/annotations/note", "/spec/nodeSelector"] {
                let found = template(field).await;
                if found != none {
                    return Err(format!("{field}: {found}"));
                }
            }
            Ok(())
        })
        .await;
    }
    assert_eq!(template("/metadata/labels/team").await, serde_json::json!([null, null]));
}

#[tokio::test]
async fn a_refused_specification_leaves_the_running_model_unchanged() {
    let namespace = TestNamespace::new("cannot-run").await;
    let _operator = Operator::start(&namespace.name);
    let good = "{shape: NTier, nTier: {services: [{name: front, stateless: true, calls: [{service: \
                orders}]}, {name: orders}]}}";
    namespace.apply("shop", good).await;
    namespace.await_children("shop").await;
    let before = namespace.children("shop").await;
    let unreachable = "{shape: NTier, nTier: {entry: front, services: [{name: front, stateless: true}, \
                       {name: orders}]}}";
    namespace.apply("shop", unreachable).await;
    let condition =
        namespace.await_condition("shop", "Accepted", soon(), |c| c.status == "False").await;
    assert!(condition.message.contains("orders"), "{}", condition.message);
    assert_eq!(condition.reason, "Refused");
    let ready = namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Refused").await;
    assert_eq!(ready.status, "False");
    let after = namespace.children("shop").await;
    let specs = |children: &BTreeMap<String, _>| -> Vec<(String, Value)> {
        let of = |(key, child): (&String, &crate::support::AnyObject)| {
            (key.clone(), child.data["spec"].clone())
        };
        children.iter().map(of).collect()
    };
    assert_eq!(specs(&before), specs(&after));
    namespace.apply("shop", good).await;
    namespace.await_condition("shop", "Accepted", soon(), |c| c.status == "True").await;
}

/// The part of a model that one applier owns.
async fn apply_as(
    namespace: &TestNamespace,
    applier: &str,
    services: &str,
) -> Result<AnyObject, kube::Error> {
    let text = format!(
        "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: shop}}, \
         spec: {{shape: NTier, nTier: {{services: {services}}}}}}}"
    );
    let part: AnyObject = serde_norway::from_str(&text).expect("YAML");
    let params = PatchParams::apply(applier);
    api_of(namespace, ARCHITECTURE).patch("shop", &params, &Patch::Apply(&part)).await
}

#[tokio::test]
async fn two_appliers_add_services_in_any_order() {
    let namespace = TestNamespace::new("two-appliers").await;
    let _operator = Operator::start(&namespace.name);
    let shop = "[{name: orders}, {name: front, stateless: true, calls: [{service: orders}]}]";
    apply_as(&namespace, "shop", shop).await.expect("the entry is the one that no other calls");
    // The other team's service is called by the first one's, and calls another of it.
    let audit = "[{name: audit, calls: [{service: orders}]}, \
                 {name: front, calls: [{service: audit}]}]";
    apply_as(&namespace, "audit", audit).await.expect("a service below the entry");
    let shop = "[{name: front, stateless: true, calls: [{service: orders}]}, {name: orders}]";
    let merged = apply_as(&namespace, "shop", shop).await.expect("in another order");
    let names: BTreeSet<_> = merged.data["spec"]["nTier"]["services"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|service| service["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names, ["audit", "front", "orders"].map(str::to_owned).into());
    namespace.await_condition("shop", "Accepted", soon(), |c| c.status == "True").await;
    // A cycle that the schema cannot see is refused by name.
    let audit = "[{name: audit, calls: [{service: stock}]}, \
                 {name: stock, stateless: true, calls: [{service: front}]}, \
                 {name: front, calls: [{service: audit}]}]";
    apply_as(&namespace, "audit", audit).await.expect("longer than the schema sees");
    let refused =
        namespace.await_condition("shop", "Accepted", soon(), |c| c.status == "False").await;
    let cycle = "the calls form a cycle, audit -> stock -> front -> audit: remove one";
    assert!(refused.message.contains(cycle), "{}", refused.message);
}
