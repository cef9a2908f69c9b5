//! Random events in the model: pods start, load configurations, report, copy, terminate and fail.

use super::{
    pods::{Pass, Pod, PodId, now, revision},
    requests::Written,
    world::{BrokenRule, Choices, World},
};
use crate::{evolve::routing, observe::PodReport, plan::Topology};
use maquette_contract::{Collection, ComponentName};
use std::collections::{BTreeMap, BTreeSet};

impl World {
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

    /// Most pods load and report, so that a change makes progress. Requests and copies do not
    /// advance.
    pub(super) fn advance_pods(&mut self, choices: &mut Choices) {
        for name in self.component_names() {
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

    /// Components that are applied or have pods.
    fn component_names(&self) -> BTreeSet<ComponentName> {
        let with_pods = self.pods.values().map(|pod| &pod.component);
        self.applied.keys().chain(with_pods).cloned().collect()
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

    pub(super) fn scale_any(&mut self, choices: &mut Choices) {
        let names: Vec<_> = self.component_names().into_iter().collect();
        if let Some(name) = choices.pick(&names) {
            self.scale(&name);
        }
    }

    /// Creates a missing pod, terminates a surplus one, or makes the existing ones ready.
    pub(super) fn scale(&mut self, name: &ComponentName) {
        let wanted = self.applied.get(name).map_or(0, |component| component.replicas as usize);
        let own = self.pods.iter().filter(|(_, pod)| pod.component == *name && !pod.terminating);
        let ids: Vec<_> = own.map(|(id, _)| *id).collect();
        if let Some(component) = self.applied.get(name).filter(|_| ids.len() < wanted) {
            let pod = Pod::new(component, self.broken.contains(name));
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

    /// From now on, no pod can start of a wanted component that has never had a ready one.
    pub(super) fn break_component(&mut self, wanted: &Topology, choices: &mut Choices) {
        let names = wanted.components().map(|component| &component.name);
        let unstarted: Vec<_> =
            names.filter(|name| !self.started.contains(*name)).cloned().collect();
        if let Some(name) = choices.pick(&unstarted) {
            self.log_event(format!("no pod of {name} can start"));
            self.broken.insert(name.clone());
            self.pods
                .values_mut()
                .filter(|pod| pod.component == name)
                .for_each(|pod| pod.broken = true);
        }
    }

    /// Pods of the wanted components can start again.
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
        let newest = revision(&pod.loaded);
        let hops = self.requests.iter().flat_map(|request| &request.path);
        let older = hops.filter(|(handler, _, ran)| *handler == id && *ran != newest).count();
        let works =
            |to: &ComponentName| self.pods.values().any(|pod| pod.component == *to && pod.ready);
        let observations = pod.build_report(id, u32::try_from(older).unwrap(), works);
        self.pods.get_mut(&id).unwrap().report =
            PodReport { latest: Some((now(), observations)), ..PodReport::default() };
    }

    pub(super) fn copy_any(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.copy_one(id, choices.below(2) == 0);
        }
    }

    /// Starts every pass, and copies one or all remaining items of each migration source.
    pub(super) fn copy_one(&mut self, id: PodId, all: bool) {
        let pod = &self.pods[&id];
        let mut passes = pod.passes.clone();
        let mut copied = vec![];
        for (source, pass) in &mut passes {
            let Some(items) = self.data.get(source) else { continue };
            let own = routing::own_backend(&pod.loaded).expect("an owner has a backend");
            if !self.data.contains_key(&own.component) {
                continue;
            }
            if !pass.started {
                let items = items.keys().filter(|collection| pod.migrates(source, collection));
                *pass = Pass { started: true, remaining: items.cloned().collect() };
            }
            let count = if all { pass.remaining.len() } else { pass.remaining.len().min(1) };
            copied.extend(pass.remaining.drain(..count).filter_map(|collection| {
                let written = *items.get(&collection)?;
                Some((own.component.clone(), collection, written))
            }));
        }
        self.pods.get_mut(&id).unwrap().passes = passes;
        for (backend, collection, written) in copied {
            self.store_item(&backend, &collection, written);
        }
    }

    pub(super) fn items_of(
        &mut self,
        backend: &ComponentName,
    ) -> &mut BTreeMap<Collection, Written> {
        let log = &self.log;
        self.data.get_mut(backend).unwrap_or_else(|| panic!("{backend} does not exist; {log:#?}"))
    }

    pub(super) fn store_item(
        &mut self,
        backend: &ComponentName,
        collection: &Collection,
        written: Written,
    ) {
        let items = self.items_of(backend);
        let stored = items.entry(collection.clone()).or_insert(written);
        *stored = written.max(*stored);
    }

    /// All requests end, and all pods start, load, copy and report.
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
        for name in self.component_names() {
            (0..6).for_each(|_| self.scale(&name));
        }
        let ids: Vec<_> = self.pods.keys().copied().collect();
        ids.into_iter().for_each(|id| self.load_one(id));
    }
}
