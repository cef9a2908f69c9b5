//! Configurations: every address in them exists and belongs to an edge of the component.

use crate::{
    models::{CASES, any_topology, render_model},
    view::{Labels, configs, selects, service, workloads},
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use maquette::{plan::EdgeKind, render::ObjectsByKind};
use maquette_contract::{Address, ComponentName, Role, RoleConfig, keys};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_address_leads_to_the_component_that_it_names(topology in any_topology()) {
        let objects = render_model(&topology);
        for (component, config) in configs(&objects) {
            match config.role {
                RoleConfig::Service(config) => {
                    for call in &config.calls {
                        assert_leads_to(&objects, &call.address, &call.component);
                    }
                    if let Some(store) = &config.store {
                        assert_leads_to(&objects, &store.address, &store.component);
                    }
                }
                RoleConfig::Load(config) => {
                    for target in &config.targets {
                        assert_leads_to(&objects, &target.address, &target.component);
                    }
                }
                RoleConfig::Peer(config) => {
                    for member in &config.members {
                        assert_is_pod(&objects, &component, &member.name, &member.address);
                    }
                }
                RoleConfig::Store(_) => {}
            }
        }
    }

    #[test]
    fn each_component_has_its_own_configuration(topology in any_topology()) {
        let objects = render_model(&topology);
        let configs = configs(&objects);
        prop_assert_eq!(configs.len(), topology.components().count());
        for component in topology.components() {
            prop_assert_eq!(configs[component.name.as_str()].role(), component.role());
        }
        for workload in workloads(&objects) {
            let volumes = workload.spec().volumes.as_ref().expect("volumes");
            let mounted = volumes[0].config_map.as_ref().expect("a ConfigMap");
            let config = objects.config_maps.iter().find(|object| {
                object.metadata.name.as_deref() == Some(&mounted.name)
            });
            let labels = config.expect("it exists").metadata.labels.as_ref().expect("labels");
            prop_assert_eq!(&labels[keys::LABEL_COMPONENT], workload.component);
        }
    }

    #[test]
    fn a_component_has_only_the_addresses_of_its_edges(topology in any_topology()) {
        let objects = render_model(&topology);
        let edges = topology.edges();
        for config in &objects.config_maps {
            let component = &config.metadata.labels.as_ref().expect("labels")[keys::LABEL_COMPONENT];
            let json = &config.data.as_ref().expect("data")[keys::CONFIG_FILE];
            for other in topology.components() {
                let edge = edges.iter().any(|e| e.from.as_str() == component && e.to == other.name);
                let host = format!("\"{}", topology.identity().service_host(
                    &topology.identity().name.object_name(&other.name)));
                prop_assert!(edge || !json.contains(&host), "{component} has the address of {}: {json}", other.name);
            }
        }
    }

    #[test]
    fn a_thin_client_has_no_reference_to_a_store(topology in any_topology()) {
        let configs = configs(&render_model(&topology));
        let stores: Vec<_> = topology.components().filter(|component| component.role() == Role::Store).collect();
        for component in topology.components() {
            let smart = component.edges().iter().any(|edge| edge.kind == EdgeKind::Queries);
            let RoleConfig::Service(config) = &configs[component.name.as_str()].role else { continue };
            prop_assert_eq!(config.store.is_some(), smart);
            let json = serde_json::to_string(config).expect("JSON");
            for store in &stores {
                let name = format!("\"{}\"", store.name);
                prop_assert!(smart || !json.contains(&name), "{}: {json}", component.name);
            }
        }
    }
}

/// The address is that of a Service with the port, which selects the pods of `component`, and these
/// listen on it.
fn assert_leads_to(objects: &ObjectsByKind, address: &Address, component: &ComponentName) {
    let (host, port) = address.0.split_once(':').expect("host:port");
    let name = host.strip_suffix(".models.svc").expect("a Service of the namespace");
    let spec = service(objects, name).and_then(|service| service.spec.as_ref());
    let spec = spec.unwrap_or_else(|| panic!("{address} is no Service"));
    let ports = spec.ports.as_ref().expect("ports");
    let port = ports.iter().find(|published| published.port.to_string() == port);
    let port = port.unwrap_or_else(|| panic!("{address} has no such port"));
    let selector = spec.selector.as_ref().expect("a selector");
    let target =
        workloads(objects).into_iter().find(|workload| workload.component == component.as_str());
    let target = target.unwrap_or_else(|| panic!("{component} does not run"));
    assert!(selects(selector, target.labels()), "{address} does not lead to {component}");
    let Some(IntOrString::String(wanted)) = &port.target_port else { panic!("a port by name") };
    let listens = target.spec().containers[0].ports.as_ref().expect("ports");
    assert!(listens.iter().any(|port| port.name.as_ref() == Some(wanted)), "{component}: {wanted}");
}

/// The address is that of a pod of the component behind its headless Service.
fn assert_is_pod(objects: &ObjectsByKind, component: &str, pod: &str, address: &Address) {
    let all = workloads(objects);
    let set = all.iter().find(|workload| workload.component == component).expect("the peers run");
    let ordinal = pod.strip_prefix(&format!("{}-", set.name)).expect("a pod of the set");
    assert!(ordinal.parse::<i32>().expect("an ordinal") < set.replicas);
    let headless = set.headless.expect("a headless Service");
    assert_eq!(address.0, format!("{pod}.{headless}.models.svc:7000"));
    let spec =
        service(objects, headless).and_then(|service| service.spec.as_ref()).expect("it exists");
    assert_eq!(spec.cluster_ip.as_deref(), Some("None"));
    assert_eq!(spec.publish_not_ready_addresses, Some(true));
    let none = Labels::new();
    assert!(selects(spec.selector.as_ref().unwrap_or(&none), set.labels()));
}
