//! What runs is led to what is wanted, and nothing goes before what comes in its place works.

use crate::{
    cluster::{change_report, healthy_snapshot, now, observe_running, plan_spec, spec},
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

fn names_set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Nothing is left to do.
fn settled_evolution(wanted: Topology) -> Evolution {
    Evolution { apply: wanted, step: None, waits: vec![], blockers: vec![], serves_wanted: true }
}

/// The steps from `before` to `wanted` where all that is applied works at once: what each applies.
fn all_steps(before: &Topology, wanted: &Topology) -> Vec<(Option<Step>, Topology)> {
    let mut running = before.clone();
    let mut steps = vec![];
    for _ in 0..120 {
        let Evolution { apply, step: now, .. } =
            evolve_snapshot(wanted, &healthy_snapshot(&running));
        let same = apply == running;
        steps.push((now, apply.clone()));
        if now.is_none() && same {
            return steps;
        }
        running = apply;
    }
    panic!("it never ends");
}

fn evolve_snapshot(wanted: &Topology, snapshot: &Snapshot) -> Evolution {
    evolve(wanted, &observe_running(snapshot), now())
}

/// The component's pods are not available.
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
fn a_new_architecture_is_applied_as_it_is_wanted() {
    let wanted = plan_spec(&spec("shape: NTier"));
    let evolution = evolve(&wanted, &RunningTopology::default(), now());
    assert_eq!(evolution, settled_evolution(wanted));
}

#[test]
fn a_change_that_drops_no_component_is_applied_at_once() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: ThreeTier\nthreeTier: {business: {replicas: 3}}"));
    let evolution = evolve_snapshot(&wanted, &healthy_snapshot(&before));
    assert_eq!(evolution.apply, wanted);
    assert_eq!(evolution.waits, []);
}

#[test]
fn end_users_who_are_not_wanted_any_more_go_at_once() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: ThreeTier\nload: {requestsPerSecond: 0}"));
    let mut snapshot = healthy_snapshot(&before);
    take_down(&mut snapshot, "data");
    let evolution = evolve_snapshot(&wanted, &snapshot);
    assert_eq!(evolution.apply, wanted);
    assert_eq!(evolution.waits, []);
}

#[test]
fn another_shape_comes_up_beside_the_one_that_serves() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: PeerToPeer"));
    let evolution = evolve_snapshot(&wanted, &healthy_snapshot(&before));
    assert_eq!(evolution.step, Some(Step::Expand));
    let all = names_set(&["client", "business", "data", "load", "peers"]);
    assert_eq!(names(&evolution.apply), all);
    // The old entry, and end users who go on using it.
    assert_eq!(evolution.apply.entry().as_str(), "client");
    let load: ComponentName = "load".parse().unwrap();
    assert_eq!(evolution.apply.component(&load), before.component(&load));
    assert!(!evolution.serves_wanted);
    assert!(
        matches!(evolution.waits.as_slice(), [Wait::Expanded { component, .. }] if component.as_str() == "peers")
    );
}

#[test]
fn peers_take_over_what_a_store_has_before_it_goes() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: PeerToPeer"));
    let steps = all_steps(&before, &wanted);
    let told: Vec<String> =
        steps.iter().map(|(step, topology)| describe_step(*step, topology)).collect();
    assert_eq!(
        told,
        [
            "Expand: entry client, business -> data, client -> business, load -> client, \
             peers -> peers data",
            // The entry and the end users.
            "Cutover: entry peers, business -> data, client -> business, load -> peers, \
             peers -> peers data",
            "Cutover: entry peers, business -> peers, client -> peers, load -> peers, \
             peers -> peers data",
            "Finalize: entry peers, business -> peers, client -> peers, load -> peers, \
             peers -> peers data (last)",
            "Finalize: entry peers, business -> peers, client -> peers, load -> peers, \
             peers -> peers",
            "Contract: entry peers, load -> peers, peers -> peers",
            "done: entry peers, load -> peers, peers -> peers",
        ]
    );
}

/// Who asks whom, in one line.
fn describe_step(step: Option<Step>, topology: &Topology) -> String {
    let component = |component: &Component| {
        let mut to: Vec<_> = component.edges().iter().map(|edge| edge.to.to_string()).collect();
        to.dedup();
        let last = match &component.behavior {
            Behavior::Service(task) => {
                task.migration_sources.iter().any(|origin| origin.final_pass)
            }
            Behavior::Peer(task) => task.migration_sources.iter().any(|origin| origin.final_pass),
            Behavior::Store(_) | Behavior::Load(_) => false,
        };
        let last = if last { " (last)" } else { "" };
        (!to.is_empty()).then(|| format!("{} -> {}{last}", component.name, to.join(" ")))
    };
    let components: Vec<_> = topology.components().filter_map(component).collect();
    let step = step.map_or("done", Step::as_str);
    format!("{step}: entry {}, {}", topology.entry(), components.join(", "))
}

#[test]
fn a_pod_that_still_answers_under_its_older_configuration_holds_the_change() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: PeerToPeer"));
    let raised = evolve_snapshot(&wanted, &healthy_snapshot(&before)).apply;
    let moving = evolve_snapshot(&wanted, &healthy_snapshot(&raised));
    assert_eq!(moving.apply.entry().as_str(), "peers");
    assert_eq!(names(&moving.apply), names(&raised), "the old components are still there");
    let mut behind = healthy_snapshot(&moving.apply);
    change_report(&mut behind, "shop-load-0", |_, report| report.older_requests = 1);
    let waits = evolve_snapshot(&wanted, &behind);
    let [Wait::Configured { component, unmet: lacks }] = waits.waits.as_slice() else {
        panic!("{:?}", waits.waits)
    };
    assert_eq!(component.as_str(), "load");
    assert!(lacks.contains("still answers 1 requests under an older configuration"), "{lacks}");
    assert_eq!(waits.apply, moving.apply);
}

#[test]
fn a_copy_that_is_not_complete_keeps_the_old_home() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: PeerToPeer"));
    let steps = all_steps(&before, &wanted);
    let (_, settling) =
        steps.iter().rfind(|(step, t)| describe_step(*step, t).contains("(last)")).unwrap();
    let mut snapshot = healthy_snapshot(settling);
    change_report(&mut snapshot, "shop-peers-0", |_, report| {
        report.migration_sources[0].complete = false
    });
    let waits = evolve_snapshot(&wanted, &snapshot);
    assert_eq!(waits.apply, *settling);
    assert_eq!(waits.step, Some(Step::Finalize));
    assert_eq!(
        waits.waits[0].to_string(),
        "peers takes over what data has: pod shop-peers-0 has 5 items so far"
    );
}

#[test]
fn a_store_that_another_shape_names_smaller_keeps_its_size() {
    let before = plan_spec(&spec("shape: ThreeTier\nthreeTier: {data: {storage: {size: 5Gi}}}"));
    let wanted = plan_spec(&spec("shape: ClientServer"));
    let (_, last) = all_steps(&before, &wanted).pop().unwrap();
    let Behavior::Store(store) = &last.component(&"data".parse().unwrap()).unwrap().behavior else {
        panic!()
    };
    assert_eq!(store.storage.size, "5Gi");
}

#[test]
fn a_name_that_is_taken_in_another_role_stops_the_change_and_says_so() {
    let before = plan_spec(&spec("shape: ClientServer\nclientServer: {clients: [{name: orders}]}"));
    let wanted =
        plan_spec(&spec("shape: NTier\nnTier: {services: [{name: shop, store: {name: orders}}]}"));
    let evolution = evolve_snapshot(&wanted, &healthy_snapshot(&before));
    assert_eq!(evolution.apply, before);
    let said: Vec<_> = evolution.blockers.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "orders runs as a service and is wanted as a store, which must run beside it first: give \
          the store another name"
        ]
    );
}

#[test]
fn a_new_shape_that_does_not_come_up_leaves_the_old_one_serving() {
    let before = plan_spec(&spec("shape: ThreeTier"));
    let wanted = plan_spec(&spec("shape: NTier"));
    let raised = evolve_snapshot(&wanted, &healthy_snapshot(&before)).apply;
    let mut snapshot = healthy_snapshot(&raised);
    take_down(&mut snapshot, "orders");
    for _ in 0..3 {
        let evolution = evolve_snapshot(&wanted, &snapshot);
        for name in ["client", "business", "data", "load"] {
            let name: ComponentName = name.parse().unwrap();
            let (now, then) = (evolution.apply.component(&name), before.component(&name));
            assert_eq!(
                now.map(|component| &component.behavior),
                then.map(|component| &component.behavior),
                "{name}"
            );
        }
        assert!(!evolution.waits.is_empty());
        snapshot = healthy_snapshot(&evolution.apply);
        take_down(&mut snapshot, "orders");
    }
    // Turning back is all that it takes.
    let back = evolve_snapshot(&before, &snapshot);
    assert_eq!(back.apply.entry(), before.entry());
}

/// What of a topology a change must reach; volumes may be larger than wanted.
fn comparable_parts(topology: &Topology) -> Vec<(String, u32, Vec<Edge>)> {
    let component =
        |component: &Component| (component.name.to_string(), component.replicas, component.edges());
    topology.components().map(component).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_architecture_becomes_any_other(from in valid(), to in valid()) {
        let (before, wanted) = (plan_spec(&from), plan_spec(&to));
        let mut running = before.clone();
        for _ in 0..120 {
            let snapshot = healthy_snapshot(&running);
            let Evolution { apply, waits, step, .. } = evolve_snapshot(&wanted, &snapshot);
            let known = observe_running(&snapshot);
            let planned = known.components().filter_map(|(_, found)| found.planned.as_ref());
            prop_assert!(planned.eq(running.components()), "what runs is not read back as it was applied");
            for name in names(&running).difference(&names(&apply)) {
                let name: ComponentName = name.parse().unwrap();
                // What goes goes last: everything wanted is there.
                let role = running.component(&name).unwrap().role();
                let all = wanted.components().all(|component| known.component(&component.name).is_some());
                prop_assert!(all || role == Role::Load, "{name} goes early");
            }
            prop_assert!(apply.component(apply.entry()).is_some(), "the entry leads nowhere");
            for edge in apply.edges() {
                prop_assert!(apply.component(&edge.to).is_some(), "{edge:?} leads nowhere");
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
