//! The turn of each component: which gets its new pod template now, and which waits.

use super::{
    canary::{CanaryState, canary_state, name_fix, obsolete_canaries},
    change::{PodChange, stuck_at_older_template},
    input::RolloutInput,
    order::rollout_order,
};
use crate::{
    observe::{Availability, RunningPod, Shortfall, Snapshot, component_availability},
    plan::Component,
    render::{ObjectsByKind, PodController, build_canary, keep_live_template},
};
use k8s_openapi::{
    Metadata, api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::SignedDuration,
};
use kube::ResourceExt;
use maquette_contract::{ComponentName, Role};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// A pod that is not ready this long after its creation does not count as starting.
const MAX_START: SignedDuration = SignedDuration::from_secs(600);

/// What happens to the pods of a component now.
#[derive(Clone, Debug)]
struct Turn {
    component: ComponentName,
    /// The name of its Deployment or StatefulSet.
    object: String,
    change: PodChange,
    /// Whether it keeps its live template.
    is_held: bool,
}

/// How many Architectures change pods, and how many may at once.
#[derive(Clone, Copy, Debug)]
struct SlotUse {
    in_use: usize,
    limit: usize,
}

/// Which components get their new pods now, and why the others wait.
#[derive(Clone, Debug, Default)]
pub struct RolloutPlan {
    turns: Vec<Turn>,
    /// The first component that is not complete, and what it lacks.
    unfinished: Option<(ComponentName, Shortfall)>,
    is_evolving: bool,
    /// The Architectures that change pods instead of this one, if it has to wait.
    slots: Option<SlotUse>,
    /// Canary pods that must exist.
    pub canaries: Vec<Pod>,
    /// Pods to delete: canaries that are not needed any more, and pods of StatefulSets that cannot
    /// become ready and that their controller does not replace.
    pub obsolete_pods: Vec<Pod>,
}

/// Plans the change from the live pods to those of `objects`.
pub fn plan_rollout(objects: &ObjectsByKind, input: &RolloutInput<'_>) -> RolloutPlan {
    let mut plan = RolloutPlan { is_evolving: input.is_evolving, ..RolloutPlan::default() };
    let identity = input.topology.identity();
    for component in rollout_order(input.topology) {
        let name = identity.name.object_name(&component.name);
        if let Some(wanted) = find_wanted(&objects.deployments, &name) {
            let live = find_live(&input.snapshot.deployments, &name);
            plan.add_turn(component, wanted, live, input);
        } else if let Some(wanted) = find_wanted(&objects.stateful_sets, &name) {
            let live = find_live(&input.snapshot.stateful_sets, &name);
            plan.add_turn(component, wanted, live, input);
            let is_current = plan.turns.last().is_some_and(|turn| !turn.change.is_careful());
            if let Some(live) = live.filter(|_| is_current) {
                plan.obsolete_pods.extend(stuck_at_older_template(live, input.snapshot));
            }
        }
    }
    let obsolete = obsolete_canaries(&plan.canaries, input.snapshot, &identity.uid, input.now);
    plan.obsolete_pods.extend(obsolete);
    plan
}

impl RolloutPlan {
    fn add_turn<W: PodController>(
        &mut self,
        component: &Component,
        wanted: &W,
        live: Option<&W>,
        input: &RolloutInput<'_>,
    ) {
        let change = PodChange::of(component, wanted, live, input);
        // A change of shape that waits for such a pod waits for its fix.
        let waits_for_shape = self.is_evolving && !has_stuck_pod(component, input);
        let must_wait = waits_for_shape || self.unfinished.is_some();
        let shortfall = match change {
            PodChange::Surge | PodChange::Replace if must_wait => None,
            PodChange::Replace => self.missing_proof(component, wanted, input),
            PodChange::Surge | PodChange::Unprotected => None,
            PodChange::None | PodChange::Rolling => unmet_by(component, input),
        };
        let is_held = change.is_careful()
            && (must_wait || (change == PodChange::Replace && shortfall.is_some()));
        let applied = change.is_pending() && !is_held;
        let lacks = shortfall.or_else(|| applied.then(being_replaced));
        if self.unfinished.is_none() {
            self.unfinished = lacks.map(|shortfall| (component.name.clone(), shortfall));
        }
        let (component, object) = (component.name.clone(), name_of(wanted).to_owned());
        self.turns.push(Turn { component, object, change, is_held });
    }

    /// What a component whose pods end before their successors start lacks before the change: a
    /// canary that has ended with success, and other pods that are not starting.
    fn missing_proof<W: PodController>(
        &mut self,
        component: &Component,
        wanted: &W,
        input: &RolloutInput<'_>,
    ) -> Option<Shortfall> {
        let canary = build_canary(input.topology, wanted)?;
        let name = canary.name_any();
        let state = canary_state(&canary, input.snapshot, input.now);
        self.canaries.push(canary);
        match state {
            CanaryState::Proven => unsettled_pod(component, input),
            CanaryState::Pending(None) => {
                Some(Shortfall::passing(format!("pod {name} tries the new settings")))
            }
            CanaryState::Pending(Some(cause)) => {
                Some(Shortfall::passing(format!("pod {name} tries the new settings: {cause}")))
            }
            CanaryState::Stuck(message) => Some(Shortfall::stuck(message)),
        }
    }

    /// Whether pods change or wait for a change.
    pub fn is_active(&self) -> bool {
        self.turns.iter().any(|turn| turn.change != PodChange::None)
    }

    /// Whether the rollout goes on by itself now: then it counts among those that run at once.
    pub fn needs_slot(&self) -> bool {
        let waits_for_shape = self.is_evolving && self.turns.iter().all(Turn::has_not_begun);
        self.is_active() && !waits_for_shape && self.stop().is_none()
    }

    /// Whether it waits for a slot and changes no pod until it has one.
    pub fn only_waits_for_slot(&self) -> bool {
        self.slots.is_some()
            && self.turns.iter().any(|turn| turn.is_held)
            && self.turns.iter().all(Turn::has_not_begun)
    }

    /// Holds all that has not begun, because `in_use` other Architectures change their pods, of at
    /// most `limit` at once.
    pub fn wait_for_slot(&mut self, in_use: usize, limit: usize, input: &RolloutInput<'_>) {
        for turn in self.turns.iter_mut().filter(|turn| turn.change.is_careful()) {
            turn.is_held = true;
        }
        self.slots = Some(SlotUse { in_use, limit });
        self.canaries.clear();
        let uid = &input.topology.identity().uid;
        let canaries = obsolete_canaries(&[], input.snapshot, uid, input.now);
        let known: BTreeSet<_> = self.obsolete_pods.iter().map(ResourceExt::uid).collect();
        self.obsolete_pods.extend(canaries.into_iter().filter(|pod| !known.contains(&pod.uid())));
    }

    /// Stops at the canary of this name, which the API server refuses to create for the reason in
    /// `message`: it would refuse the pods that the canary stands for too.
    pub fn refuse_canary(&mut self, name: &str, message: &str) {
        self.canaries.retain(|canary| canary.name_any() != name);
        // A canary is only ever that of the first component that is not complete.
        if let Some((_, shortfall)) = &mut self.unfinished {
            *shortfall = Shortfall::stuck(name_fix(message.to_owned()));
        }
    }

    /// Makes the workloads in `objects` that wait keep their live templates. Returns the names of
    /// StatefulSets that must not be created yet: their pods run without them.
    pub fn hold_templates(
        &self,
        objects: &mut ObjectsByKind,
        snapshot: &Snapshot,
    ) -> BTreeSet<String> {
        let held: BTreeSet<_> =
            self.turns.iter().filter(|turn| turn.is_held).map(|turn| &turn.object).collect();
        for wanted in objects.deployments.iter_mut().filter(|one| held.contains(&one.name_any())) {
            if let Some(live) = find_live(&snapshot.deployments, &wanted.name_any()) {
                keep_live_template(wanted, live);
            }
        }
        let mut withheld = BTreeSet::new();
        for wanted in objects.stateful_sets.iter_mut().filter(|one| held.contains(&one.name_any()))
        {
            match find_live(&snapshot.stateful_sets, &wanted.name_any()) {
                Some(live) => keep_live_template(wanted, live),
                None => _ = withheld.insert(wanted.name_any()),
            }
        }
        withheld
    }

    /// What the rollout waits for, in one line; none if all pods are as specified.
    pub fn wait(&self) -> Option<String> {
        if !self.is_active() {
            return None;
        }
        let held = self.names_where(|turn| turn.is_held);
        if let Some(slots) = self.slots.filter(|_| !held.is_empty()) {
            return Some(format!("new pods of {held} wait for a slot: {slots}"));
        }
        let current = self.unfinished.as_ref().map(|(component, _)| component);
        let rest = self
            .names_where(|turn| turn.change != PodChange::None && Some(&turn.component) != current);
        if self.is_evolving && self.turns.iter().all(Turn::has_not_begun) {
            return Some(format!("new pods of {rest} start after the change of shape"));
        }
        Some(match &self.unfinished {
            None => format!("rolling out new pods of {rest}"),
            Some((component, shortfall)) => {
                let then = if rest.is_empty() { rest } else { format!("; then {rest}") };
                format!("rolling out new pods: {component}: {}{then}", shortfall.message)
            }
        })
    }

    /// The first three components whose turn `is_meant`, and how many more there are.
    fn names_where(&self, is_meant: impl Fn(&Turn) -> bool) -> String {
        let turns = self.turns.iter().filter(|turn| is_meant(turn));
        let names: Vec<_> = turns.map(|turn| turn.component.as_str()).collect();
        match names.as_slice() {
            [a, b, c, rest @ ..] if !rest.is_empty() => {
                format!("{a}, {b}, {c} and {} more", rest.len())
            }
            names => names.join(", "),
        }
    }

    /// Why the rollout does not go on without a fix, in one line; none if it goes on.
    pub fn stop(&self) -> Option<String> {
        let (component, shortfall) = self.unfinished.as_ref().filter(|_| self.is_active())?;
        let has_new_pods = self
            .turns
            .iter()
            .any(|turn| turn.component == *component && turn.change != PodChange::None);
        let subject = match has_new_pods {
            true => "new pods cannot start:",
            false => "the change of pods waits for",
        };
        shortfall.is_stuck.then(|| format!("{subject} {component}: {}", shortfall.message))
    }
}

impl fmt::Display for SlotUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_use, limit } = self;
        match in_use {
            // A slot is free, and goes to one that waits longer.
            in_use if in_use < limit => write!(f, "other Architectures wait longer")?,
            1 => write!(f, "1 other Architecture is rolling out")?,
            in_use => write!(f, "{in_use} other Architectures are rolling out")?,
        }
        write!(f, "; --max-concurrent-rollouts allows {limit} at once")
    }
}

impl Turn {
    fn has_not_begun(&self) -> bool {
        self.change == PodChange::None || self.is_held
    }
}

fn being_replaced() -> Shortfall {
    Shortfall::passing("its pods are being replaced")
}

/// What a component with the wanted template lacks.
fn unmet_by(component: &Component, input: &RolloutInput<'_>) -> Option<Shortfall> {
    let running = input.running.component(&component.name);
    match component_availability(component, running, false, input.now) {
        Availability::Available => None,
        Availability::Unavailable(shortfall) => Some(shortfall),
    }
}

/// A pod that ends or starts: a second one must not end now.
fn unsettled_pod(component: &Component, input: &RolloutInput<'_>) -> Option<Shortfall> {
    let running = input.running.component(&component.name)?;
    // A Deployment replaces a pod on a dead machine, a StatefulSet does not.
    let is_replaced = matches!(component.role(), Role::Service | Role::Load);
    let mut ending = running.terminating.iter();
    let ending = ending.find(|pod| !is_replaced || !pod.is_overdue(input.now));
    if let Some(pod) = ending {
        return Some(match pod.is_overdue(input.now) {
            true => Shortfall::stuck(pod.overdue_message()),
            false => Shortfall::passing(format!("pod {} is ending", pod.name)),
        });
    }
    let mut pods = running.pods.iter();
    let starting = pods.find(|pod| !pod.ready && pod.issue.is_none() && may_start(pod, input))?;
    Some(Shortfall::passing(format!("pod {} is starting", starting.name)))
}

/// Whether the pod is young enough to become ready by itself. The change may be the fix of an older
/// one.
fn may_start(pod: &RunningPod, input: &RolloutInput<'_>) -> bool {
    let mut pods = input.snapshot.pods.iter().map(|found| &found.metadata);
    let found = pods.find(|metadata| metadata.uid.as_ref() == Some(&pod.uid));
    let created = found.and_then(|metadata| metadata.creation_timestamp.as_ref());
    created.is_none_or(|created| input.now.duration_since(created.0) <= MAX_START)
}

/// Whether a pod cannot become ready without a fix.
fn has_stuck_pod(component: &Component, input: &RolloutInput<'_>) -> bool {
    let running = input.running.component(&component.name);
    running.is_some_and(|running| running.pods.iter().any(|pod| pod.issue.is_some()))
}

fn name_of(object: &impl Metadata<Ty = ObjectMeta>) -> &str {
    object.metadata().name.as_deref().unwrap_or_default()
}

fn find_wanted<'a, K: Metadata<Ty = ObjectMeta>>(objects: &'a [K], name: &str) -> Option<&'a K> {
    objects.iter().find(|object| name_of(*object) == name)
}

fn find_live<'a, K: Metadata<Ty = ObjectMeta>>(objects: &'a [Arc<K>], name: &str) -> Option<&'a K> {
    objects.iter().map(Arc::as_ref).find(|object| name_of(*object) == name)
}
