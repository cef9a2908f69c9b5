//! What happens by itself in the model: pods start, load, report, copy, end and die.

use super::{
    pods::{Pass, Pod, PodId, now, revision},
    requests::Written,
    world::{BrokenRule, Choices, World},
};
use crate::{
    evolve::backend,
    observe::PodReport,
    plan::{Component, Topology},
};
use maquette_contract::{Collection, ComponentName};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// Something happens by itself.
    pub(super) fn random_event(&mut self, choices: &mut Choices) {
        match choices.below(16) {
            12..=15 => self.advance_pods(choices),
            0 | 1 => self.load_any(choices),
            2 => self.scale_any(choices),
            3 | 4 => self.report_any(choices),
            5 => self.send_request(choices),
            6 => self.kill_any(choices),
            7 => self.copy_any(choices),
            _ => self.advance_any(choices),
        }
    }

    /// Most pods do what they can, so that a change comes far; requests and copies stay where they
    /// are.
    pub(super) fn advance_pods(&mut self, choices: &mut Choices) {
        let names: BTreeSet<_> = self
            .applied
            .keys()
            .chain(self.pods.values().map(|pod| &pod.component))
            .cloned()
            .collect();
        for name in names {
            if choices.below(8) != 7 {
                (0..5).for_each(|_| self.scale(&name));
            }
        }
        let ids: Vec<_> = self.pods.keys().copied().collect();
        for id in ids {
            match choices.below(8) {
                7 => {}
                6 => self.load_one(id),
                _ => {
                    self.load_one(id);
                    self.report_one(id);
                }
            }
        }
    }

    pub(super) fn any_pod(&self, choices: &mut Choices) -> Option<PodId> {
        let ids: Vec<_> = self.pods.keys().copied().collect();
        choices.pick(&ids)
    }

    pub(super) fn load_any(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.load_one(id);
        }
    }

    pub(super) fn load_one(&mut self, id: PodId) {
        let pod = self.pods.get_mut(&id).unwrap();
        if let Some(component) =
            self.applied.get(&pod.component).filter(|_| !pod.terminating && !pod.broken)
        {
            pod.load_config(component, self.broken_rule == Some(BrokenRule::CopyOnce));
        }
    }

    /// Makes pods that are missing, and ends those that are too many.
    pub(super) fn scale_any(&mut self, choices: &mut Choices) {
        let names: BTreeSet<_> = self
            .applied
            .keys()
            .chain(self.pods.values().map(|pod| &pod.component))
            .cloned()
            .collect();
        let names: Vec<_> = names.into_iter().collect();
        if let Some(name) = choices.pick(&names) {
            self.scale(&name);
        }
    }

    pub(super) fn scale(&mut self, name: &ComponentName) {
        let wanted = self.applied.get(name).map_or(0, |component| component.replicas as usize);
        let own = |pod: &Pod| pod.component == *name && !pod.terminating;
        let ids: Vec<_> = self.pods.iter().filter(|(_, p)| own(p)).map(|(id, _)| *id).collect();
        if let Some(component) = self.applied.get(name).filter(|_| ids.len() < wanted) {
            let pod = Pod::new(component.clone(), self.broken.contains(name));
            self.pods.insert(self.created, pod);
            self.created += 1;
        } else if ids.len() > wanted {
            self.pods.get_mut(&ids[ids.len() - 1]).unwrap().terminating = true;
        } else {
            for (ordinal, id) in ids.into_iter().enumerate() {
                let pod = self.pods.get_mut(&id).unwrap();
                pod.ready = !pod.broken && pod.is_member(ordinal);
                if pod.ready {
                    self.started.insert(name.clone());
                }
            }
        }
        let busy: BTreeSet<_> =
            self.requests.iter().flat_map(|r| r.path.iter().map(|(id, ..)| *id)).collect();
        self.pods.retain(|id, pod| pod.component != *name || !pod.terminating || busy.contains(id));
    }

    pub(super) fn kill_any(&mut self, choices: &mut Choices) {
        let Some(id) = self.any_pod(choices) else { return };
        self.pods.remove(&id);
        self.requests.retain(|request| request.path.iter().all(|(at, ..)| *at != id));
    }

    /// From now on no pod can start of a wanted component that has none yet.
    pub(super) fn break_component(&mut self, wanted: &Topology, choices: &mut Choices) {
        let new = wanted
            .components()
            .map(|component| &component.name)
            .filter(|name| !self.started.contains(*name));
        let new: Vec<_> = new.cloned().collect();
        if let Some(name) = choices.pick(&new) {
            self.log_event(format!("no pod of {name} can start"));
            self.broken.insert(name.clone());
            self.pods
                .values_mut()
                .filter(|pod| pod.component == name)
                .for_each(|pod| pod.broken = true);
        }
    }

    /// Somebody mends the specification, or whatever kept pods of its components from starting.
    pub(super) fn repair(&mut self, wanted: &Topology) {
        for component in wanted.components().filter(|component| self.broken.remove(&component.name))
        {
            self.pods.retain(|_, pod| pod.component != component.name || !pod.broken);
        }
    }

    pub(super) fn report_any(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.report_one(id);
        }
    }

    pub(super) fn report_one(&mut self, id: PodId) {
        let pod = &self.pods[&id];
        if pod.broken {
            return;
        }
        let now_runs = revision(&pod.runs);
        let stays = |(at, _, ran): &&(PodId, Component, _)| *at == id && *ran != now_runs;
        let older = self.requests.iter().flat_map(|r| &r.path).filter(stays).count();
        let works =
            |to: &ComponentName| self.pods.values().any(|pod| pod.component == *to && pod.ready);
        let said = pod.build_report(id, u32::try_from(older).unwrap(), works);
        self.pods.get_mut(&id).unwrap().report =
            PodReport { latest: Some((now(), said)), failure: None };
    }

    pub(super) fn copy_any(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.copy_one(id, choices.below(2) == 0);
        }
    }

    /// Begins a copy, or copies one item of each origin.
    pub(super) fn copy_one(&mut self, id: PodId, all: bool) {
        let pod = &self.pods[&id];
        let mut passes = pod.passes.clone();
        let mut found = vec![];
        for (origin, pass) in &mut passes {
            let Some(items) = self.data.get(origin) else { continue };
            let own = backend::own_backend(&pod.runs).expect("who takes over has a home");
            if !self.data.contains_key(&own.component) {
                continue;
            }
            if !pass.began {
                let takes = items.keys().filter(|collection| pod.migrates(origin, collection));
                *pass = Pass { began: true, left: takes.cloned().collect() };
            }
            let some = if all { pass.left.len() } else { pass.left.len().min(1) };
            found.extend(pass.left.drain(..some).filter_map(|collection| {
                let written = *items.get(&collection)?;
                Some((own.component.clone(), collection, written))
            }));
        }
        self.pods.get_mut(&id).unwrap().passes = passes;
        for (home, collection, written) in found {
            self.store_item(&home, &collection, written);
        }
    }

    pub(super) fn items_of(&mut self, home: &ComponentName) -> &mut BTreeMap<Collection, Written> {
        let log = &self.log;
        self.data.get_mut(home).unwrap_or_else(|| panic!("{home} is gone; {log:#?}"))
    }

    pub(super) fn store_item(
        &mut self,
        home: &ComponentName,
        collection: &Collection,
        written: Written,
    ) {
        let items = self.items_of(home);
        let kept = items.entry(collection.clone()).or_insert(written);
        *kept = written.max(*kept);
    }

    /// Everything that can happen does.
    pub(super) fn catch_up(&mut self) {
        let choices = &mut Choices::new(vec![]);
        for _ in 0..200 {
            if self.requests.is_empty() {
                break;
            }
            self.advance_any(choices);
            self.settle_pods();
        }
        self.settle_pods();
        let ids: Vec<_> = self.pods.keys().copied().collect();
        for id in ids {
            self.copy_one(id, true);
            self.report_one(id);
        }
    }

    pub(super) fn settle_pods(&mut self) {
        let names: BTreeSet<_> = self
            .applied
            .keys()
            .chain(self.pods.values().map(|pod| &pod.component))
            .cloned()
            .collect();
        for name in names {
            (0..6).for_each(|_| self.scale(&name));
        }
        let ids: Vec<_> = self.pods.keys().copied().collect();
        ids.into_iter().for_each(|id| self.load_one(id));
    }
}
