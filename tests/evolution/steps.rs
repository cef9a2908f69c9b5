//! The running topology changes into the wanted one, and no component is removed before its
//! replacement works.

use crate::{
    cluster::{change_report, healthy_snapshot, now, observe_running, parse_spec, plan_spec},
    specs::valid,
};
use maquette::{
    evolve::{Evolution, Step, Wait, evolve},
    observe::{RunningTopology, Snapshot},
    plan::{Behavior, Component, Edge, Topology},
};
use maquette_contract::{ComponentName, Role};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

fn names(topology: &Topology) -> BTreeSet<String> {
    topology.components().map(|component| component.name.to_string()).collect()
}

fn set_of(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn converged_evolution(wanted: Topology) -> Evolution {
    Evolution { apply: wanted, step: None, waits: vec![], blockers: vec![], serves_wanted: true }
}

/// The steps from `before` to `wanted`, and what each applies, if everything applied works at once.
fn all_steps(before: &Topology, wanted: &Topology) -> Vec<(Option<Step>, Topology)> {
    let mut running = before.clone();
    let mut steps = vec![];
    for _ in 0..120 {
        let Evolution { apply, step, .. } = evolve_snapshot(wanted, &healthy_snapshot(&running));
        let is_unchanged = apply == running;
        steps.push((step, apply.clone()));
        if step.is_none() && is_unchanged {
            return steps;
        }
        running = apply;
    }
    panic!("it never ends");
}

fn evolve_snapshot(wanted: &Topology, snapshot: &Snapshot) -> Evolution {
    evolve(wanted, &observe_running(snapshot), now())
}

/// Makes all pods of the component unavailable.
fn take_down(snapshot: &mut Snapshot, component: &str) {
    let name = Some(format!("shop-{component}"));
    for deployment in &mut snapshot.deployments {
        if deployment.metadata.name == name {
            Arc::make_mut(deployment).status.as_mut().unwrap().available_replicas = Some(0);
        }
    }
    for set in &mut snapshot.stateful_sets {
        if set.metadata.name == name {
            Arc::make_mut(set).status.as_mut().unwrap().available_replicas = Some(0);
        }
    }
}

#[test]
fn a_new_architecture_is_applied_at_once() {
    let wanted = plan_spec(&parse_spec("shape: NTier"));
    let evolution = evolve(&wanted, &RunningTopology::default(), now());
    assert_eq!(evolution, converged_evolution(wanted));
}

#[test]
fn a_change_that_removes_no_component_is_applied_at_once() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: ThreeTier\nthreeTier: {business: {replicas: 3}}"));
    let evolution = evolve_snapshot(&wanted, &healthy_snapshot(&before));
    assert_eq!(evolution.apply, wanted);
    assert_eq!(evolution.waits, []);
}

#[test]
fn a_load_that_is_not_wanted_any_more_is_removed_at_once() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: ThreeTier\nload: {requestsPerSecond: 0}"));
    let mut snapshot = healthy_snapshot(&before);
    take_down(&mut snapshot, "data");
    let evolution = evolve_snapshot(&wanted, &snapshot);
    assert_eq!(evolution.apply, wanted);
    assert_eq!(evolution.waits, []);
}

#[test]
fn another_shape_starts_beside_the_running_one() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: PeerToPeer"));
    let evolution = evolve_snapshot(&wanted, &healthy_snapshot(&before));
    assert_eq!(evolution.step, Some(Step::Expand));
    let expected = set_of(&["client", "business", "data", "load", "peers"]);
    assert_eq!(names(&evolution.apply), expected);
    // The entry and the load are unchanged.
    assert_eq!(evolution.apply.entry().as_str(), "client");
    let load: ComponentName = "load".parse().unwrap();
    assert_eq!(evolution.apply.component(&load), before.component(&load));
    assert!(!evolution.serves_wanted);
    let [Wait::Expanded { component, .. }] = evolution.waits.as_slice() else {
        panic!("{:?}", evolution.waits)
    };
    assert_eq!(component.as_str(), "peers");
}

#[test]
fn peers_copy_the_items_of_a_store_before_it_is_removed() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: PeerToPeer"));
    let steps = all_steps(&before, &wanted);
    let descriptions: Vec<String> =
        steps.iter().map(|(step, topology)| describe_step(*step, topology)).collect();
    assert_eq!(
        descriptions,
        [
            "Expand: entry client, business -> data, client -> business, load -> client, \
             peers -> peers data",
            // The entry and the load.
            "Cutover: entry peers, business -> data, client -> business, load -> peers, \
             peers -> peers data",
            "Cutover: entry peers, business -> peers, client -> peers, load -> peers, \
             peers -> peers data",
            "Finalize: entry peers, business -> peers, client -> peers, load -> peers, \
             peers -> peers data (final pass)",
            "Finalize: entry peers, business -> peers, client -> peers, load -> peers, \
             peers -> peers",
            "Contract: entry peers, load -> peers, peers -> peers",
            "done: entry peers, load -> peers, peers -> peers",
        ]
    );
}

/// The dependencies between all components, in one line.
fn describe_step(step: Option<Step>, topology: &Topology) -> String {
    let components: Vec<_> = topology.components().filter_map(describe_dependencies).collect();
    let name = step.map_or("done", Step::as_str);
    format!("{name}: entry {}, {}", topology.entry(), components.join(", "))
}

fn describe_dependencies(component: &Component) -> Option<String> {
    let mut callees: Vec<_> = component.edges().iter().map(|edge| edge.to.to_string()).collect();
    callees.dedup();
    let sources = match &component.behavior {
        Behavior::Service(service) => &service.migration_sources[..],
        Behavior::Peer(peer) => &peer.migration_sources[..],
        Behavior::Store(_) | Behavior::Load(_) => &[],
    };
    let is_final = sources.iter().any(|source| source.final_pass);
    let note = if is_final { " (final pass)" } else { "" };
    (!callees.is_empty()).then(|| format!("{} -> {}{note}", component.name, callees.join(" ")))
}

#[test]
fn a_pod_with_requests_under_older_settings_delays_the_change() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: PeerToPeer"));
    let expanded = evolve_snapshot(&wanted, &healthy_snapshot(&before)).apply;
    let cutover = evolve_snapshot(&wanted, &healthy_snapshot(&expanded));
    assert_eq!(cutover.apply.entry().as_str(), "peers");
    assert_eq!(names(&cutover.apply), names(&expanded), "the old components still run");
    let mut snapshot = healthy_snapshot(&cutover.apply);
    change_report(&mut snapshot, "shop-load-0", |_, report| report.older_requests = 1);
    let waits = evolve_snapshot(&wanted, &snapshot);
    let [Wait::Configured { component, unmet }] = waits.waits.as_slice() else {
        panic!("{:?}", waits.waits)
    };
    assert_eq!(component.as_str(), "load");
    assert!(unmet.contains("still answers 1 requests under an older configuration"), "{unmet}");
    assert_eq!(waits.apply, cutover.apply);
}

#[test]
fn an_incomplete_copy_keeps_the_migration_source() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: PeerToPeer"));
    let steps = all_steps(&before, &wanted);
    let (_, final_pass) = steps
        .iter()
        .rfind(|(step, topology)| describe_step(*step, topology).contains("(final pass)"))
        .unwrap();
    let mut snapshot = healthy_snapshot(final_pass);
    change_report(&mut snapshot, "shop-peers-0", |_, report| {
        report.migration_sources[0].complete = false
    });
    let waits = evolve_snapshot(&wanted, &snapshot);
    assert_eq!(waits.apply, *final_pass);
    assert_eq!(waits.step, Some(Step::Finalize));
    assert_eq!(
        waits.waits[0].to_string(),
        "peers copies the items of data: pod shop-peers-0 has 5 items so far"
    );
}

#[test]
fn a_store_with_a_smaller_size_in_another_shape_keeps_its_size() {
    let before =
        plan_spec(&parse_spec("shape: ThreeTier\nthreeTier: {data: {storage: {size: 5Gi}}}"));
    let wanted = plan_spec(&parse_spec("shape: ClientServer"));
    let (_, last) = all_steps(&before, &wanted).pop().unwrap();
    let Behavior::Store(store) = &last.component(&"data".parse().unwrap()).unwrap().behavior else {
        panic!()
    };
    assert_eq!(store.storage.size, "5Gi");
}

#[test]
fn a_name_that_runs_in_another_role_blocks_the_change() {
    let before =
        plan_spec(&parse_spec("shape: ClientServer\nclientServer: {clients: [{name: orders}]}"));
    let wanted = plan_spec(&parse_spec(
        "shape: NTier\nnTier: {services: [{name: shop, store: {name: orders}}]}",
    ));
    let evolution = evolve_snapshot(&wanted, &healthy_snapshot(&before));
    assert_eq!(evolution.apply, before);
    let messages: Vec<_> = evolution.blockers.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        ["orders runs as a service and is wanted as a store, which must run beside it first: \
             give the store another name"]
    );
}

#[test]
fn a_new_shape_that_never_becomes_ready_leaves_the_old_one_unchanged() {
    let before = plan_spec(&parse_spec("shape: ThreeTier"));
    let wanted = plan_spec(&parse_spec("shape: NTier"));
    let expanded = evolve_snapshot(&wanted, &healthy_snapshot(&before)).apply;
    let mut snapshot = healthy_snapshot(&expanded);
    take_down(&mut snapshot, "orders");
    for _ in 0..3 {
        let evolution = evolve_snapshot(&wanted, &snapshot);
        for name in ["client", "business", "data", "load"] {
            let name: ComponentName = name.parse().unwrap();
            let (applied, old) = (evolution.apply.component(&name), before.component(&name));
            assert_eq!(
                applied.map(|component| &component.behavior),
                old.map(|component| &component.behavior),
                "{name}"
            );
        }
        assert!(!evolution.waits.is_empty());
        snapshot = healthy_snapshot(&evolution.apply);
        take_down(&mut snapshot, "orders");
    }
    // Changing back is enough.
    let back = evolve_snapshot(&before, &snapshot);
    assert_eq!(back.apply.entry(), before.entry());
}

/// The parts of a topology that a change must reach. Volumes may be larger than wanted.
fn comparable_parts(topology: &Topology) -> Vec<(String, u32, Vec<Edge>)> {
    let components = topology.components();
    components.map(|one| (one.name.to_string(), one.replicas, one.edges())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_architecture_changes_into_any_other(from in valid(), to in valid()) {
        let (before, wanted) = (plan_spec(&from), plan_spec(&to));
        let mut running = before.clone();
        for _ in 0..120 {
            let snapshot = healthy_snapshot(&running);
            let Evolution { apply, waits, step, .. } = evolve_snapshot(&wanted, &snapshot);
            let observed = observe_running(&snapshot);
            let planned = observed.planned_components();
            prop_assert!(planned.eq(running.components()), "it is not read back as applied");
            for name in names(&running).difference(&names(&apply)) {
                let name: ComponentName = name.parse().unwrap();
                // Components are removed last: everything wanted exists.
                let role = running.component(&name).unwrap().role();
                let all_exist =
                    wanted.components().all(|one| observed.component(&one.name).is_some());
                prop_assert!(all_exist || role == Role::Load, "{name} is removed early");
            }
            prop_assert!(apply.component(apply.entry()).is_some(), "the entry does not exist");
            for edge in apply.edges() {
                let exists = apply.component(&edge.to).is_some();
                prop_assert!(exists, "the end of {edge:?} does not exist");
            }
            if waits.is_empty() && step.is_none() {
                prop_assert_eq!(comparable_parts(&apply), comparable_parts(&wanted));
                return Ok(());
            }
            running = apply;
        }
        prop_assert!(false, "it never ends");
    }
}
