//! Objects of other owners are never modified.

use crate::support::{AnyObject, CHILD_KINDS, Operator, TestNamespace, api_of, soon};
use k8s_openapi::api::{core::v1::PersistentVolumeClaim, events::v1::Event};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};

/// One object per kind with the name of a child of a three-tier `shop`, in YAML.
const FOREIGN: [(usize, &str); 6] = [
    (0, "{apiVersion: v1, kind: ServiceAccount, metadata: {name: shop}}"),
    (1, "{apiVersion: v1, kind: ConfigMap, metadata: {name: shop-client}, data: {theirs: x}}"),
    (2, "{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{port: 5}]}}"),
    (
        3,
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop-client}, spec: {replicas: 0, \
         selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: \
         {containers: [{name: c, image: i}]}}}}",
    ),
    (
        4,
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: shop-data}, spec: {replicas: 0, \
         serviceName: x, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, \
         spec: {containers: [{name: c, image: i}]}}}}",
    ),
    (
        5,
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: shop-client}, spec: \
         {maxUnavailable: 1, selector: {matchLabels: {a: b}}}}",
    ),
];

const SHOP: &str = "{shape: ThreeTier, threeTier: {client: {replicas: 2}}}";

#[tokio::test]
async fn a_foreign_object_of_any_kind_is_untouched_and_reported() {
    for (kind, text) in FOREIGN {
        let kind = CHILD_KINDS[kind];
        let namespace = TestNamespace::new(&format!("conflict-{}", kind.2.to_lowercase())).await;
        let theirs: AnyObject = serde_norway::from_str(text).expect("YAML");
        let (api, name) = (api_of(&namespace, kind), theirs.name_any());
        let before = api.create(&PostParams::default(), &theirs).await.expect("created");
        let _operator = Operator::start(&namespace.name);
        namespace.apply("shop", SHOP).await;
        let ready =
            namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Conflict").await;
        let title = format!("{} {name}", kind.2);
        assert!(ready.message.contains(&title), "{title} is not named: {}", ready.message);
        assert!(ready.message.contains("rename"), "no fix is named: {}", ready.message);
        assert_eq!(ready.status, "False");
        namespace.await_condition("shop", "Progressing", soon(), |c| c.reason == "Conflict").await;
        let after = api.get(&name).await.expect("there");
        assert_eq!(after.data["spec"], before.data["spec"], "{title} was changed");
        assert_eq!(after.labels(), before.labels(), "{title} was changed");
        assert_eq!(after.owner_references(), before.owner_references(), "{title} was adopted");
        api.delete(&name, &DeleteParams::default()).await.expect("deleted");
        namespace
            .await_condition("shop", "Ready", soon(), |c| c.reason == "ComponentsNotReady")
            .await;
    }
}

#[tokio::test]
async fn a_foreign_claim_is_never_adopted() {
    let labels = ["", "labels: {maquette.dev/architecture: other},"];
    for (index, labels) in labels.into_iter().enumerate() {
        let namespace = TestNamespace::new(&format!("conflict-claim-{index}")).await;
        let text = format!(
            "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{{labels} name: \
             data-shop-data-0}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: \
             {{storage: 1Gi}}}}}}}}"
        );
        let theirs: PersistentVolumeClaim = serde_norway::from_str(&text).expect("YAML");
        let api = namespace.api::<PersistentVolumeClaim>();
        let before = api.create(&PostParams::default(), &theirs).await.expect("created");
        let _operator = Operator::start(&namespace.name);
        namespace.apply("shop", SHOP).await;
        let ready =
            namespace.await_condition("shop", "Ready", soon(), |c| c.reason == "Conflict").await;
        let title = "PersistentVolumeClaim data-shop-data-0";
        assert!(ready.message.contains(title), "{title} is not named: {}", ready.message);
        // No StatefulSet: its controller would use the claim.
        let sets =
            api_of(&namespace, CHILD_KINDS[4]).list(&ListParams::default()).await.expect("a list");
        assert_eq!(sets.items.len(), 0);
        let after = api.get("data-shop-data-0").await.expect("there");
        assert_eq!(after.metadata.owner_references, before.metadata.owner_references);
        assert_eq!(after.metadata.labels, before.metadata.labels);
    }
}

#[tokio::test]
async fn a_conflict_emits_one_event() {
    let namespace = TestNamespace::new("conflict-event").await;
    let theirs: AnyObject = serde_norway::from_str(FOREIGN[2].1).expect("YAML");
    api_of(&namespace, CHILD_KINDS[2])
        .create(&PostParams::default(), &theirs)
        .await
        .expect("created");
    let operator = Operator::start(&namespace.name);
    namespace.apply("shop", SHOP).await;
    let attempts = || operator.log().matches("reconcile failed").count();
    crate::support::eventually("three attempts", soon(), async || {
        if attempts() >= 3 { Ok(()) } else { Err(format!("{} attempts", attempts())) }
    })
    .await;
    let events = namespace.api::<Event>().list(&ListParams::default()).await.expect("a list");
    let ours: Vec<_> = events.iter().filter(|e| e.reason.as_deref() == Some("Conflict")).collect();
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(ours[0].note.as_deref().is_some_and(|note| note.contains("Service shop")), "{ours:?}");
    assert_eq!(ours[0].type_.as_deref(), Some("Warning"));
}
