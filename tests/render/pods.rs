//! Pods: their selectors, what restarts them, and their permissions.

use crate::{
    models::{CASES, any_topology, plan_model, render_model},
    specs::valid,
    view::{Labels, PodController, selects, title, workloads},
};
use k8s_openapi::api::core::v1::PodSpec;
use maquette::{
    api::{ArchitectureSpec, Load, Quantiles, Shape},
    render::ObjectsByKind,
};
use maquette_contract::keys;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn selectors_select_exactly_the_pods_of_their_component(topology in any_topology()) {
        let objects = render_model(&topology);
        let workloads = workloads(&objects);
        for (component, selector) in selectors(&objects) {
            for key in [keys::LABEL_ARCHITECTURE, keys::LABEL_COMPONENT, keys::LABEL_ROLE] {
                prop_assert!(selector.contains_key(key), "{component} is not selected by {key}");
            }
            for workload in &workloads {
                let selected = selects(&selector, workload.labels());
                prop_assert_eq!(selected, workload.component == component, "{} by {}", workload.component, component);
            }
        }
    }

    #[test]
    fn a_change_of_configuration_alone_restarts_no_pod(before in valid(), load in loads()) {
        let mut after = before.clone();
        change_configuration(&mut after, load);
        let (before, after) = (plan_model(&before, "shop", "u"), plan_model(&after, "shop", "u"));
        let (before, after) = (render_model(&before), render_model(&after));
        let templates = |objects: &ObjectsByKind| -> BTreeMap<String, Value> {
            let template = |workload: &PodController<'_>| {
                let value = serde_json::to_value(workload.template).expect("JSON");
                (workload.name.to_owned(), value)
            };
            workloads(objects).iter().map(template).collect()
        };
        prop_assert_eq!(templates(&before), templates(&after));
    }

    #[test]
    fn every_pod_meets_the_restricted_standard(topology in any_topology()) {
        for workload in workloads(&render_model(&topology)) {
            assert_restricted(workload.spec());
            let container = &workload.spec().containers[0];
            let resources = container.resources.as_ref().expect("resources");
            for amounts in [&resources.requests, &resources.limits] {
                let amounts = amounts.as_ref().expect("requests and limits");
                prop_assert!(amounts.contains_key("cpu") && amounts.contains_key("memory"));
            }
        }
    }

    #[test]
    fn no_field_is_rendered_that_the_api_server_drops(topology in any_topology()) {
        for object in render_model(&topology).to_values() {
            let path = title(&object);
            assert_no_empty_value(&path, &object);
        }
    }
}

#[test]
fn a_default_model_mounts_its_configuration_and_no_token() {
    for shape in [Shape::ClientServer, Shape::ThreeTier, Shape::NTier, Shape::PeerToPeer] {
        let objects = render_model(&plan_model(&ArchitectureSpec::minimal(shape), "shop", ""));
        let [account] = objects.service_accounts.as_slice() else { panic!("one account") };
        assert_eq!(account.automount_service_account_token, Some(false));
        for workload in workloads(&objects) {
            let spec = workload.spec();
            assert_eq!(spec.service_account_name.as_deref(), Some("shop"));
            assert_eq!(spec.automount_service_account_token, Some(false));
            let mounts = spec.containers[0].volume_mounts.as_ref().expect("mounts");
            assert!(mounts.iter().all(|mount| mount.sub_path.is_none()), "never refreshed");
            assert!(mounts.iter().any(|mount| mount.mount_path == keys::CONFIG_DIR));
        }
    }
}

fn loads() -> impl Strategy<Value = Load> {
    (1..=1000, 0..=100).prop_map(|(requests_per_second, write_percent)| Load {
        requests_per_second,
        write_percent,
        summary_percent: 0,
        ..Load::default()
    })
}

/// Changes every setting that is not an image, a resource, a volume or a pod setting.
fn change_configuration(spec: &mut ArchitectureSpec, load: Load) {
    let slow = || Some(Quantiles { p50: "3ms".to_owned(), p90: None, p99: None });
    if spec.load.requests_per_second > 0 {
        spec.load = load;
    }
    for service in spec.n_tier.iter_mut().flat_map(|shape| &mut shape.services) {
        service.calls.iter_mut().for_each(|call| call.probability_percent = 7);
        service.settings.processing_time = slow();
        service.settings.replicas = 1 + service.settings.replicas % 50;
    }
    for client in spec.client_server.iter_mut().flat_map(|shape| &mut shape.clients) {
        client.settings.processing_time = slow();
    }
    if let Some(shape) = &mut spec.peer_to_peer {
        shape.replication_factor = Some(1);
        shape.processing_time = slow();
        shape.replicas = 1 + shape.replicas % 50;
    }
}

/// All selectors, each with its component.
fn selectors(objects: &ObjectsByKind) -> Vec<(String, Labels)> {
    let workloads = workloads(objects);
    let own = workloads.iter().map(|workload| workload.selector.clone());
    let spread = workloads.iter().flat_map(|workload| {
        let spread = workload.spec().topology_spread_constraints.iter().flatten();
        spread.filter_map(|constraint| constraint.label_selector.as_ref()?.match_labels.clone())
    });
    let services =
        objects.services.iter().filter_map(|service| service.spec.as_ref()?.selector.clone());
    let budgets = objects
        .pod_disruption_budgets
        .iter()
        .filter_map(|budget| budget.spec.as_ref()?.selector.as_ref()?.match_labels.clone());
    let all = own.chain(spread).chain(services).chain(budgets);
    all.map(|selector| (selector[keys::LABEL_COMPONENT].clone(), selector)).collect()
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
fn assert_restricted(spec: &PodSpec) {
    let pod = spec.security_context.as_ref().expect("a security context");
    assert_eq!(pod.run_as_non_root, Some(true));
    assert!(pod.run_as_user.is_some_and(|user| user > 0));
    assert_eq!(pod.seccomp_profile.as_ref().expect("seccomp").type_, "RuntimeDefault");
    assert!(spec.host_network.is_none() && spec.host_pid.is_none() && spec.host_ipc.is_none());
    for volume in spec.volumes.iter().flatten() {
        assert!(volume.config_map.is_some(), "{}: only ConfigMaps and claims", volume.name);
    }
    for container in &spec.containers {
        let security = container.security_context.as_ref().expect("a security context");
        assert_eq!(security.allow_privilege_escalation, Some(false));
        assert_eq!(security.read_only_root_filesystem, Some(true));
        assert_eq!(security.privileged, None);
        let capabilities = security.capabilities.as_ref().expect("capabilities");
        assert_eq!(capabilities.drop.as_deref(), Some(["ALL".to_owned()].as_slice()));
        assert_eq!(capabilities.add, None);
        let ports = container.ports.iter().flatten();
        assert!(ports.into_iter().all(|port| port.host_port.is_none()));
    }
}

/// The API server drops empty lists, maps and nulls.
fn assert_no_empty_value(path: &str, value: &Value) {
    match value {
        Value::Null => panic!("{path} is null"),
        Value::Array(list) => {
            assert!(!list.is_empty(), "{path} is empty");
            for (index, value) in list.iter().enumerate() {
                assert_no_empty_value(&format!("{path}[{index}]"), value);
            }
        }
        Value::Object(map) => {
            assert!(!map.is_empty(), "{path} is empty");
            for (key, value) in map {
                assert_no_empty_value(&format!("{path}.{key}"), value);
            }
        }
        // Only labels, annotations and node selectors of users may be empty strings.
        Value::String(text) => {
            let theirs = ["labels", "annotations", "nodeSelector"];
            let theirs = theirs.iter().any(|field| path.contains(field));
            assert!(!text.is_empty() || theirs, "{path} is empty");
        }
        // `false` is kept only where the API distinguishes it from an absent field.
        Value::Bool(false) => {
            let fields =
                ["automountServiceAccountToken", "enableServiceLinks", "allowPrivilegeEscalation"];
            assert!(fields.iter().any(|field| path.ends_with(field)), "{path} is false");
        }
        Value::Bool(true) | Value::Number(_) => {}
    }
}
