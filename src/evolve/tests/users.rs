//! Clients of the model: requests arrive, are routed from pod to pod, and get a response. Every
//! response is checked.

use super::{
    pods::{PodId, revision},
    requests::{self, NextHop, Request, RequestStage, Written},
    world::{Choices, World},
};
use crate::plan::{Behavior, Component};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

impl World {
    /// A request arrives at a pod of a current or former entry, or of one that the load drives.
    pub(super) fn send_request(&mut self, choices: &mut Choices) {
        let driven = self.pods.values().filter_map(|pod| match &pod.loaded.behavior {
            Behavior::Load(load) if pod.ready => Some(load.drives.clone()),
            _ => None,
        });
        let entries: BTreeSet<_> = driven.flatten().chain(self.entries.iter().cloned()).collect();
        let existing: Vec<_> =
            entries.into_iter().filter(|name| self.applied.contains_key(name)).collect();
        let (component, collection) = (choices.pick(&existing), choices.pick(&self.collections));
        let (Some(component), Some(collection)) = (component, collection) else { return };
        let Some(pod) = self.serving_pod(&component, choices) else { return };
        self.created += 1;
        let before = self.acknowledged.get(&collection).copied();
        let loaded = self.pods[&pod].loaded.clone();
        self.requests.push(Request {
            id: self.created,
            collection,
            is_write: choices.below(2) == 0,
            before,
            path: vec![(pod, loaded.clone(), revision(&loaded))],
            stage: RequestStage::Routing,
        });
    }

    /// A pod of `component` that accepts requests; rarely a terminating one.
    pub(super) fn serving_pod(
        &self,
        component: &ComponentName,
        choices: &mut Choices,
    ) -> Option<PodId> {
        let may_terminate = choices.below(8) == 7;
        let serving = self.pods.iter().filter(|(_, pod)| {
            pod.component == *component && pod.ready && (may_terminate || !pod.terminating)
        });
        let ids: Vec<_> = serving.map(|(id, _)| *id).collect();
        choices.pick(&ids)
    }

    pub(super) fn advance_any(&mut self, choices: &mut Choices) {
        if self.requests.is_empty() {
            return;
        }
        let request = self.requests.swap_remove(choices.below(self.requests.len()));
        if let Some(request) = self.advance_request(request, choices) {
            self.requests.push(request);
        }
    }

    /// One step of a request; none if it has ended.
    pub(super) fn advance_request(
        &mut self,
        mut request: Request,
        choices: &mut Choices,
    ) -> Option<Request> {
        let handler = request.path.last().map(|(_, loaded, _)| loaded.clone()).unwrap();
        if let RequestStage::HalfDone(found) = request.stage {
            self.finish_request(&request, &handler, found);
            return None;
        }
        match requests::next_hop(&handler, &request.collection) {
            NextHop::Own => {
                let found = self.write_or_read(&request, &handler);
                request.stage = RequestStage::HalfDone(found);
                Some(request)
            }
            NextHop::Call(component) => {
                // It waits while no pod serves.
                let Some(pod) = self.serving_pod(&component, choices) else {
                    let exists = self.applied.contains_key(&component)
                        || self.pods.values().any(|pod| pod.component == component);
                    let (from, log) = (&handler.name, &self.log);
                    assert!(
                        exists,
                        "{from} sends a request to {component}, which does not exist; {log:#?}"
                    );
                    return Some(request);
                };
                let loaded = self.pods[&pod].loaded.clone();
                let revision = revision(&loaded);
                request.path.push((pod, loaded, revision));
                assert!(request.path.len() < 16, "it loops: {}", self.describe_request(&request));
                Some(request)
            }
            NextHop::NoOwner => panic!("no owner: {}", self.describe_request(&request)),
        }
    }

    pub(super) fn describe_request(&self, request: &Request) -> String {
        let path: Vec<_> = request.path.iter().map(|(_, loaded, _)| loaded.name.as_str()).collect();
        format!("{} by {path:?}; {:#?}", request.collection, self.log)
    }

    /// The owner reads both backends, and writes to the source of truth.
    pub(super) fn write_or_read(
        &mut self,
        request: &Request,
        owner: &Component,
    ) -> Option<Written> {
        let (authoritative, own) = requests::backends_of(owner, &request.collection);
        let newest = self.items_of(&authoritative.component).get(&request.collection).copied();
        let found = newest.max(self.items_of(&own.component).get(&request.collection).copied());
        if !request.is_write {
            return found;
        }
        let written = (found.map_or(0, |(n, _)| n) + 1, request.id);
        self.store_item(&authoritative.component, &request.collection, written);
        Some(written)
    }

    /// The owner stores what it wrote or read in its own backend, and responds.
    pub(super) fn finish_request(
        &mut self,
        request: &Request,
        owner: &Component,
        found: Option<Written>,
    ) {
        let (_, own) = requests::backends_of(owner, &request.collection);
        if let Some(written) = found {
            self.store_item(&own.component, &request.collection, written);
        }
        assert!(
            found >= request.before,
            "lost: {found:?} is older than {:?}: {}",
            request.before,
            self.describe_request(request)
        );
        let newest = self.acknowledged.get(&request.collection).copied();
        if let Some(newest) = newest.max(found) {
            self.acknowledged.insert(request.collection.clone(), newest);
        }
    }

    /// Reads every acknowledged item through the entry.
    pub(super) fn read_all(&mut self) {
        let entry = self.entry.clone().expect("an entry");
        for (collection, before) in self.acknowledged.clone() {
            let choices = &mut Choices::new(vec![]);
            let pod = self.serving_pod(&entry, choices).expect("the entry has a pod");
            let loaded = self.pods[&pod].loaded.clone();
            let path = vec![(pod, loaded.clone(), revision(&loaded))];
            let stage = RequestStage::Routing;
            let mut request =
                Request { id: 0, collection, is_write: false, before: Some(before), path, stage };
            while let Some(next) = self.advance_request(request, choices) {
                request = next;
            }
        }
    }
}
