//! A webhook in front of the writes of one namespace. None of them ever answers.

use super::TestNamespace;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};

/// A port of the loopback network on which nothing listens.
pub(crate) const CLOSED_PORT: u16 = 1;

/// A webhook for the objects of one namespace, until [`Webhook::remove`].
pub(crate) struct Webhook {
    api: Api<ValidatingWebhookConfiguration>,
    name: String,
}

impl Webhook {
    /// Requests to create or change one of `resources` wait for an answer from `port` for up to 30 s,
    /// and fail without one.
    pub(crate) async fn add(namespace: &TestNamespace, resources: &str, port: u16) -> Self {
        Self::with_policy(namespace, resources, port, "failurePolicy: Fail, timeoutSeconds: 30")
            .await
    }

    /// The operator's requests to create or change one of `resources` wait for 3 s if `port` does not
    /// answer, and then go on.
    pub(crate) async fn delay_operator(
        namespace: &TestNamespace,
        resources: &str,
        port: u16,
    ) -> Self {
        let policy = "failurePolicy: Ignore, timeoutSeconds: 3, matchConditions: [{name: operator, \
                      expression: 'request.options.?fieldManager.orValue(\"\") == \"maquette\"'}]";
        Self::with_policy(namespace, resources, port, policy).await
    }

    async fn with_policy(
        namespace: &TestNamespace,
        resources: &str,
        port: u16,
        policy: &str,
    ) -> Self {
        let name = format!("{}.example.org", namespace.name);
        let text = format!(
            "{{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, \
             metadata: {{name: {name}}}, webhooks: [{{name: {name}, sideEffects: None, \
             {policy}, admissionReviewVersions: [v1], \
             namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {}}}}}, \
             clientConfig: {{url: 'https://127.0.0.1:{port}/'}}, rules: [{{apiGroups: ['*'], \
             apiVersions: ['*'], operations: [CREATE, UPDATE], resources: [{resources}]}}]}}]}}",
            namespace.name
        );
        let configuration = serde_norway::from_str(&text).expect("YAML");
        let api: Api<ValidatingWebhookConfiguration> = Api::all(namespace.client.clone());
        api.create(&PostParams::default(), &configuration).await.expect("a webhook");
        Self { api, name }
    }

    pub(crate) async fn remove(self) {
        self.api.delete(&self.name, &DeleteParams::default()).await.expect("deleted");
    }
}
