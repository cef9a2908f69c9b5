//! Names, labels and owners of all objects.

use crate::{
    models::{CASES, any_topology, render_model},
    view::{text, title},
};
use maquette::api::{Architecture, Shape};
use maquette_contract::keys;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn names_are_unique_and_valid(topology in any_topology()) {
        let objects = render_model(&topology);
        let mut seen = BTreeSet::new();
        for object in objects.to_values() {
            prop_assert!(seen.insert(title(&object)), "twice: {}", title(&object));
            let name = text(&object["metadata"]["name"]);
            // The strictest rule is that of Services.
            let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!(name.len() <= 63 && name.chars().all(inner), "{name}");
            prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-'));
            // The label controller-revision-hash of its pods is the name and a hash.
            let longest = if object["kind"] == "StatefulSet" { 52 } else { 63 };
            prop_assert!(name.len() <= longest, "{}", title(&object));
            prop_assert_eq!(text(&object["metadata"]["namespace"]), "models");
        }
    }

    #[test]
    fn every_object_has_the_label_of_its_architecture(topology in any_topology()) {
        let architecture = topology.identity().name.to_string();
        for object in render_model(&topology).to_values() {
            let labels = &object["metadata"]["labels"];
            prop_assert_eq!(text(&labels[keys::LABEL_ARCHITECTURE]), &architecture);
            prop_assert_eq!(text(&labels[keys::LABEL_MANAGED_BY]), keys::MANAGER);
            for (key, value) in labels.as_object().expect("labels") {
                prop_assert!(text(value).len() <= 63, "{key}: {value}");
            }
        }
    }

    #[test]
    fn the_architecture_owns_every_object_in_a_cluster(topology in any_topology()) {
        let identity = topology.identity();
        for object in render_model(&topology).to_values() {
            let owners = object["metadata"]["ownerReferences"].as_array();
            if identity.uid.is_empty() {
                prop_assert_eq!(owners, None);
                continue;
            }
            let [owner] = owners.expect("owners").as_slice() else { panic!("several owners") };
            prop_assert_eq!(&owner["uid"], &identity.uid);
            prop_assert_eq!(&owner["name"], identity.name.as_str());
            prop_assert_eq!(&owner["apiVersion"], "maquette.dev/v1alpha1");
            prop_assert_eq!(&owner["kind"], "Architecture");
            prop_assert_eq!(&owner["controller"], true);
        }
    }
}

#[test]
fn no_component_has_the_name_of_a_headless_service() {
    let specs = [
        "{clients: [{name: web}, {name: data-headless}]}",
        "{services: [{name: orders}, {name: orders-data-headless}]}",
        "{services: [{name: orders}, {name: b, store: {name: orders-data-headless}}]}",
    ];
    for (member, spec) in ["clientServer", "nTier", "nTier"].into_iter().zip(specs) {
        let yaml = format!(
            "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: shop}}, \
             spec: {{shape: {:?}, {member}: {spec}}}}}",
            Shape::ThreeTier
        );
        let architecture: Architecture = serde_norway::from_str(&yaml).expect("an Architecture");
        let problems = architecture.spec.validate("shop").expect_err("it is refused");
        assert!(problems.to_string().contains("-headless' is reserved"), "{problems}");
    }
}
