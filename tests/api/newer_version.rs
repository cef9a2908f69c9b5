//! An Architecture or settings that this version cannot read block no other, and are unchanged.

use crate::support::{
    ARCHITECTURE, ControlPlane, Operator, Request, TestNamespace, Webhook, api_of, eventually, soon,
};
use k8s_openapi::{
    api::core::v1::{ConfigMap, Service},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinition, JSON, JSONSchemaProps,
    },
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use maquette_contract::keys::{CONFIG_FILE, FIELD_MANAGER, LABEL_MANAGED_BY};
use serde_json::json;
use tokio::net::TcpListener;

/// Settings that only a newer version can read.
const NEWER_SETTINGS: &str = r#"{"schemaVersion": 2, "role": "ring"}"#;

/// A shape that only a newer version has.
const NEWER: &str = "{shape: Ring}";

#[tokio::test]
async fn an_unreadable_architecture_is_reported_and_blocks_no_other() {
    let plane = ControlPlane::own().await;
    let namespace = TestNamespace::on(&plane, "newer").await;
    // An empty variable names no namespace: the operator works in all of them.
    let start = || {
        let all = [("MAQUETTE_NAMESPACES", "")];
        Operator::start_on(&plane, &["--leader-elect", "false"], &all)
    };
    let mut operator = start();
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    let before = namespace.children("shop").await;

    add_shape_to_crd(&plane, &namespace).await;
    namespace.apply("shop", NEWER).await;
    await_unreadable(&namespace, "shop").await;
    namespace.apply("other", NEWER).await;
    await_unreadable(&namespace, "other").await;
    namespace.apply("good", "{shape: ThreeTier}").await;
    namespace.await_children("good").await;

    // The unreadable Architecture exists when an operator starts. Its objects are not repaired.
    operator.kill().await;
    let services = namespace.api::<Service>();
    services.delete("shop-client", &DeleteParams::default()).await.expect("deleted");
    let _operator = start();
    namespace.apply("later", "{shape: ThreeTier}").await;
    namespace.await_children("later").await;
    await_unreadable(&namespace, "shop").await;
    let mut expected = before;
    expected.remove("Service shop-client").expect("it was there");
    let after = namespace.children("shop").await;
    assert!(after.keys().eq(expected.keys()), "{:?} was made or deleted", after.keys());
    for (key, child) in after {
        assert_eq!(child.data["spec"], expected[&key].data["spec"], "{key} was changed");
    }
    let written = Request::of_operators(&plane)
        .into_iter()
        .filter(|request| request.resource == "architectures/status" && request.name == "other")
        .count();
    assert!(written <= 2, "{written} writes of the same status");

    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_condition("shop", "Accepted", soon(), |c| c.status == "True").await;
    eventually("the deleted Service is created again", soon(), async || {
        services.get("shop-client").await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test]
async fn settings_of_a_newer_version_are_named_and_nothing_is_changed() {
    let namespace = TestNamespace::new("newer-settings").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    let before = namespace.children("shop").await;
    let known = write_settings(&namespace, NEWER_SETTINGS).await;
    for spec in ["{shape: ThreeTier}", "{shape: NTier}"] {
        namespace.apply("shop", spec).await;
        let ready = namespace
            .await_condition("shop", "Ready", soon(), |c| c.message.contains("schemaVersion is 2"))
            .await;
        assert!(ready.message.contains("ConfigMap shop-data: component.json"), "{}", ready.message);
        assert_eq!(ready.status, "False");
    }
    let after = namespace.children("shop").await;
    assert!(after.keys().eq(before.keys()), "{:?} was made or deleted", after.keys());
    for (key, child) in &after {
        assert_eq!(child.data["spec"], before[key].data["spec"], "{key} was changed");
    }
    assert_eq!(after["ConfigMap shop-data"].data["data"][CONFIG_FILE], NEWER_SETTINGS);

    write_settings(&namespace, &known).await;
    let made = namespace.api::<Service>();
    eventually("the change goes on", soon(), async || {
        made.get("shop-storefront").await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test]
async fn settings_of_a_newer_version_that_the_operator_does_not_watch_are_not_overwritten() {
    let namespace = TestNamespace::new("unwatched-settings").await;
    let mut operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    operator.kill().await;
    write_settings(&namespace, NEWER_SETTINGS).await;
    // Without the label that is watched: the operator tries to create the object.
    let labels = json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}});
    let api = namespace.api::<ConfigMap>();
    let patch = Patch::Merge(&labels);
    api.patch("shop-data", &PatchParams::default(), &patch).await.expect("patched");
    let _operator = Operator::start(&namespace.name);
    await_newer_settings(&namespace, "shop-data").await;
}

#[tokio::test]
async fn settings_that_a_newer_version_writes_meanwhile_are_not_overwritten() {
    let namespace = TestNamespace::new("concurrent-settings").await;
    let _operator = Operator::start(&namespace.name);
    namespace.apply("shop", "{shape: ThreeTier}").await;
    namespace.await_children("shop").await;
    let api = namespace.api::<ConfigMap>();
    let with_size = |size: &str| {
        format!("{{shape: ThreeTier, threeTier: {{business: {{responseSize: {size}}}}}}}")
    };
    namespace.apply("shop", &with_size("1Ki")).await;
    eventually("the settings are written", soon(), async || {
        let found = api.get("shop-business").await.map_err(|error| error.to_string())?;
        let text = found.data.unwrap_or_default().remove(CONFIG_FILE).unwrap_or_default();
        if text.contains("1024") { Ok(()) } else { Err(text) }
    })
    .await;

    // The next write of the operator is under way for some seconds.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let webhook = Webhook::delay_operator(&namespace, "configmaps", port).await;
    await_delay(&namespace, &listener).await;
    namespace.apply("shop", &with_size("2Ki")).await;
    let under_way = listener.accept().await.expect("a request of the API server");
    let newer = settings_patch(NEWER_SETTINGS);
    api.patch("shop-business", &PatchParams::default(), &newer).await.expect("patched");
    await_newer_settings(&namespace, "shop-business").await;
    drop(under_way);
    webhook.remove().await;
}

/// Waits until writes of a client that is called as the operator reach `listener`.
async fn await_delay(namespace: &TestNamespace, listener: &TcpListener) {
    let probe = "{apiVersion: v1, kind: ConfigMap, metadata: {name: probe}}";
    let probe: ConfigMap = serde_norway::from_str(probe).expect("YAML");
    let field_manager = Some(FIELD_MANAGER.to_owned());
    let params = PostParams { dry_run: true, field_manager };
    eventually("the webhook is called", soon(), async || {
        let api = namespace.api::<ConfigMap>();
        tokio::select! {
            accepted = listener.accept() => accepted.map(drop).map_err(|error| error.to_string()),
            _ = api.create(&params, &probe) => Err("not yet".to_owned()),
        }
    })
    .await;
}

/// Waits until the status names the settings, which are as the newer version wrote them.
async fn await_newer_settings(namespace: &TestNamespace, name: &str) {
    let is_named = |c: &crate::support::Condition| c.message.contains("schemaVersion is 2");
    let ready = namespace.await_condition("shop", "Ready", soon(), is_named).await;
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "Unreadable"));
    assert!(ready.message.contains(name), "{}", ready.message);
    let found = namespace.api::<ConfigMap>().get(name).await.expect("it is there");
    assert_eq!(found.data.expect("settings")[CONFIG_FILE], NEWER_SETTINGS);
}

/// Replaces the settings of the component `data`; returns those before.
async fn write_settings(namespace: &TestNamespace, text: &str) -> String {
    let api = namespace.api::<ConfigMap>();
    let before = api.get("shop-data").await.expect("it is there").data.expect("settings");
    api.patch("shop-data", &PatchParams::default(), &settings_patch(text)).await.expect("patched");
    before[CONFIG_FILE].clone()
}

fn settings_patch(text: &str) -> Patch<ConfigMap> {
    let data = [(CONFIG_FILE.to_owned(), text.to_owned())].into();
    Patch::Merge(ConfigMap { data: Some(data), ..ConfigMap::default() })
}

async fn await_unreadable(namespace: &TestNamespace, name: &str) {
    let unreadable = |c: &crate::support::Condition| c.reason == "Unreadable";
    let accepted = namespace.await_condition(name, "Accepted", soon(), unreadable).await;
    assert_eq!(accepted.status, "False");
    for part in ["spec.shape", "Ring", "NTier"] {
        assert!(accepted.message.contains(part), "{}", accepted.message);
    }
    assert_eq!(namespace.await_condition(name, "Ready", soon(), unreadable).await.status, "False");
}

/// Adds the newer shape to the schema, as an upgrade of the custom resource does.
async fn add_shape_to_crd(plane: &ControlPlane, namespace: &TestNamespace) {
    let crds: Api<CustomResourceDefinition> = Api::all(plane.client().await);
    let mut crd = crds.get("architectures.maquette.dev").await.expect("it is there");
    let version = crd.spec.versions[0].schema.as_mut().expect("a schema");
    let schema = version.open_api_v3_schema.as_mut().expect("a schema");
    for part in ["spec", "status"] {
        let shape = member(member(schema, part), "shape");
        shape.enum_.as_mut().expect("shapes").push(JSON("Ring".into()));
    }
    crds.replace("architectures.maquette.dev", &PostParams::default(), &crd).await.expect("taken");
    let architectures = api_of(namespace, ARCHITECTURE);
    let text = "{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {name: try}, spec: {shape: Ring}}";
    let newer = serde_norway::from_str(text).expect("YAML");
    let try_only = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the newer shape is taken", soon(), async || {
        architectures.create(&try_only, &newer).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

fn member<'a>(schema: &'a mut JSONSchemaProps, name: &str) -> &'a mut JSONSchemaProps {
    schema.properties.as_mut().and_then(|members| members.get_mut(name)).expect(name)
}
