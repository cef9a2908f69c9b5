//! The API server rejects what `maquette lint` rejects, with the same messages.

use crate::support::TestNamespace;
use kube::{
    Api,
    api::{DynamicObject, PostParams},
    core::Request,
    discovery::ApiResource,
};
use maquette::api::{self, Architecture};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

#[path = "../shared/invalid_cases.rs"]
mod invalid_cases;
#[path = "../shared/sloppy.rs"]
mod sloppy;

/// How many random specs are tried.
const TRIES: usize = 200;

#[tokio::test]
async fn api_server_rejects_each_invalid_case_with_its_message() {
    let namespace = TestNamespace::new("invalid").await;
    let mut failures = vec![];
    for case in invalid_cases::all() {
        let object: DynamicObject = serde_norway::from_str(&case.yaml).expect("YAML");
        let response = create_strictly(&namespace, &object).await.unwrap_or_default();
        for error in &case.errors {
            match &error.server {
                Some(server) => {
                    if !(response.contains(&error.path) && response.contains(server)) {
                        failures.push(format!(
                            "{}: expected {} {server}\n  response: {response}",
                            case.name, error.path
                        ));
                    }
                }
                None if response.is_empty() => {}
                None => failures.push(format!(
                    "{}: rejected, but `server: accepts` is expected: {response}",
                    case.name
                )),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Creates an object as kubectl does (dry run, unknown fields are errors) and returns the error.
async fn create_strictly(namespace: &TestNamespace, object: &DynamicObject) -> Option<String> {
    let api = architectures(namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let body = serde_json::to_vec(object).expect("JSON");
    let mut request = Request::new(api.resource_url()).create(&params, body).expect("a request");
    let uri = format!("{}&fieldValidation=Strict", request.uri());
    *request.uri_mut() = uri.parse().expect("a URI");
    namespace.client.request::<DynamicObject>(request).await.err().map(|error| error.to_string())
}

/// A change that the schema accepts: the specs before and after. Whether a volume exists is known to
/// the operator only.
const ALLOWED: [(&str, &str); 10] = [
    (
        "{shape: ThreeTier, threeTier: {data: {storage: {size: 2Gi}}}}",
        "{shape: ThreeTier, threeTier: {data: {storage: {size: 1Gi}}}}",
    ),
    (
        "{shape: PeerToPeer, peerToPeer: {storage: {storageClassName: fsat}}}",
        "{shape: PeerToPeer, peerToPeer: {storage: {storageClassName: fast}}}",
    ),
    (
        "{shape: NTier, nTier: {services: [{name: a, store: {storage: {storageClassName: fast}}}]}}",
        "{shape: NTier, nTier: {services: [{name: a}]}}",
    ),
    (
        "{shape: ThreeTier, threeTier: {data: {storage: {size: 1024Mi}}}}",
        "{shape: ThreeTier, threeTier: {data: {storage: {size: 1Gi}}}}",
    ),
    ("{shape: ThreeTier}", "{shape: ThreeTier, threeTier: {data: {storage: {size: 10Gi}}}}"),
    // A shape that does not serve has no volumes.
    (
        "{shape: ThreeTier, peerToPeer: {storage: {size: 2Gi, storageClassName: fast}}}",
        "{shape: ThreeTier, peerToPeer: {storage: {size: 1Gi}}}",
    ),
    (
        "{shape: ThreeTier, threeTier: {data: {storage: {size: 2Gi}}}}",
        "{shape: NTier, threeTier: {data: {storage: {size: 2Gi}}}}",
    ),
    // A removed store and a new one.
    (
        "{shape: NTier, nTier: {services: [{name: a, store: {storage: {size: 2Gi}}}]}}",
        "{shape: NTier, nTier: {services: [{name: b, store: {storage: {size: 1Gi}}}]}}",
    ),
    (
        "{shape: NTier}",
        "{shape: NTier, nTier: {services: [{name: orders, store: {storage: {size: 2Gi}}}]}}",
    ),
    (
        "{shape: NTier, nTier: {services: [{name: a, store: {name: a-data}}]}}",
        "{shape: NTier, nTier: {services: [{name: a}]}}",
    ),
];

/// Architectures as they are written, not as our types would write them.
fn architectures(namespace: &TestNamespace) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<Architecture>(&());
    Api::namespaced_with(namespace.client.clone(), &namespace.name, &resource)
}

fn architecture(name: &str, spec: &str) -> DynamicObject {
    let head = "apiVersion: maquette.dev/v1alpha1, kind: Architecture";
    serde_norway::from_str(&format!("{{{head}, metadata: {{name: {name}}}, spec: {spec}}}"))
        .expect("YAML")
}

/// Makes an Architecture of `before` and replaces it by `after`.
async fn create_then_update(
    namespace: &TestNamespace,
    name: &str,
    before: &str,
    after: &str,
) -> Result<(), kube::Error> {
    let api = architectures(namespace);
    let made = api.create(&PostParams::default(), &architecture(name, before)).await?;
    let mut desired = architecture(name, after);
    desired.metadata.resource_version = made.metadata.resource_version;
    api.replace(name, &PostParams::default(), &desired).await.map(|_| ())
}

#[tokio::test]
async fn the_schema_accepts_changes_of_volumes() {
    let namespace = TestNamespace::new("allowed").await;
    for (index, (before, after)) in ALLOWED.into_iter().enumerate() {
        let answer = create_then_update(&namespace, &format!("a{index}"), before, after).await;
        assert!(answer.is_ok(), "{before} -> {after}: {answer:?}");
    }
}

/// The API server estimates the cost of the rules when it gets the schema; this test shows that the
/// rules run within the limit for the largest Architecture.
#[tokio::test]
async fn the_largest_architecture_is_accepted() {
    let namespace = TestNamespace::new("largest").await;
    let name = |index: usize| format!("a-service-of-24-char-{index:03}");
    let services: Vec<_> = (0..24)
        .map(|index| {
            let calls: Vec<_> = (index + 1..24).map(|to| format!("{{service: {}}}", name(to))).collect();
            let owns: Vec<_> = (0..16).map(|kind| format!("k-of-24-char-{kind:03}-{index:07}")).collect();
            format!(
                "{{name: {}, calls: [{}], owns: [{}], store: {{name: a-store-of-twenty-nine-ch-{index:03}}}, \
                 processingTime: {{p50: 1s500ms, p90: 2s500ms, p99: 29s999ms}}}}",
                name(index), calls.join(", "), owns.join(", "),
            )
        })
        .collect();
    let clients: Vec<_> =
        (0..24).map(|index| format!("{{name: a-client-of-24-chars-{index:03}}}")).collect();
    let spec = format!(
        "{{shape: NTier, nTier: {{services: [{}]}}, clientServer: {{clients: [{}]}}}}",
        services.join(", "),
        clients.join(", "),
    );
    let answer = create_then_update(&namespace, "a-name-of-twenty-two-c", &spec, &spec).await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn the_api_server_and_lint_agree_on_any_spec() {
    let namespace = TestNamespace::new("agree").await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..TRIES {
        let spec = sloppy::sloppy().new_tree(&mut runner).expect("a spec").current();
        let document = serde_json::to_value(Architecture::new("shop", spec)).expect("JSON");
        let object = serde_json::from_value(document.clone()).expect("an object");
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let server = architectures(&namespace).create(&params, &object).await;
        let ours = api::parse_document(&document);
        let response = server.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert_eq!(server.is_ok(), ours.is_ok(), "{document}\nserver: {response}\nlint: {ours:?}");
        // The API server checks no rules if the schema itself rejects the object.
        if response.contains("some validation rules were not checked") {
            continue;
        }
        for error in ours.err().iter().flat_map(|errors| errors.iter()) {
            let is_reported = response.contains(&error.path) && response.contains(&error.message);
            assert!(is_reported, "{document}\nserver: {response}\nlint: {error}");
        }
    }
}
