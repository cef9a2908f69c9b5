//! What users do in the model: requests come, go from pod to pod, and are answered. Every answer is
//! checked.

use super::{
    pods::{Pod, PodId, revision},
    requests::{self, NextHop, Request, RequestStage, Written},
    world::{Choices, World},
};
use crate::plan::{Behavior, Component};
use maquette_contract::ComponentName;
use std::collections::BTreeSet;

impl World {
    /// A user's request comes to a pod of an entry of now or before, or to one that the load drives.
    pub(super) fn send_request(&mut self, choices: &mut Choices) {
        let drives = self.pods.values().filter_map(|pod| match &pod.runs.behavior {
            Behavior::Load(task) if pod.ready => Some(task.drives.clone()),
            _ => None,
        });
        let at: BTreeSet<_> = drives.flatten().chain(self.entries.iter().cloned()).collect();
        let at: Vec<_> =
            at.into_iter().filter(|component| self.applied.contains_key(component)).collect();
        let (component, collection) = (choices.pick(&at), choices.pick(&self.collections));
        let (Some(component), Some(collection)) = (component, collection) else { return };
        let Some(pod) = self.serving_pod(&component, choices) else { return };
        self.created += 1;
        let before = self.acknowledged.get(&collection).copied();
        let runs = self.pods[&pod].runs.clone();
        self.requests.push(Request {
            id: self.created,
            collection,
            writes: choices.below(2) == 0,
            before,
            path: vec![(pod, runs.clone(), revision(&runs))],
            stage: RequestStage::Routing,
        });
    }

    /// A pod of `component` that takes requests; seldom one that is about to end.
    pub(super) fn serving_pod(
        &self,
        component: &ComponentName,
        choices: &mut Choices,
    ) -> Option<PodId> {
        let of = |pod: &Pod| pod.component == *component && pod.ready;
        let late = choices.below(8) == 7;
        let takes = self.pods.iter().filter(|(_, pod)| of(pod) && (late || !pod.terminating));
        let ids: Vec<_> = takes.map(|(id, _)| *id).collect();
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

    /// One move of a request; none if it has ended.
    pub(super) fn advance_request(
        &mut self,
        mut request: Request,
        choices: &mut Choices,
    ) -> Option<Request> {
        let at = request.path.last().map(|(_, runs, _)| runs.clone()).unwrap();
        if let RequestStage::HalfDone(found) = request.stage {
            self.finish_request(&request, &at, found);
            return None;
        }
        match requests::next_hop(&at, &request.collection) {
            NextHop::Own => {
                let found = self.write_or_find(&request, &at);
                request.stage = RequestStage::HalfDone(found);
                Some(request)
            }
            NextHop::Call(component) => {
                // Held while nobody answers.
                let Some(pod) = self.serving_pod(&component, choices) else {
                    let exists = self.applied.contains_key(&component)
                        || self.pods.values().any(|pod| pod.component == component);
                    let (from, log) = (&at.name, &self.log);
                    assert!(
                        exists,
                        "{from} sends a request to {component}, which is gone; {log:#?}"
                    );
                    return Some(request);
                };
                let runs = self.pods[&pod].runs.clone();
                let revision = revision(&runs);
                request.path.push((pod, runs, revision));
                assert!(
                    request.path.len() < 16,
                    "in a circle: {}",
                    self.describe_request(&request)
                );
                Some(request)
            }
            NextHop::NoOwner => panic!("nobody owns it: {}", self.describe_request(&request)),
        }
    }

    pub(super) fn describe_request(&self, request: &Request) -> String {
        let path: Vec<_> = request.path.iter().map(|(_, runs, _)| runs.name.as_str()).collect();
        format!("{} by {path:?}; {:#?}", request.collection, self.log)
    }

    /// The owner asks both homes, and writes to the complete one.
    pub(super) fn write_or_find(
        &mut self,
        request: &Request,
        owner: &Component,
    ) -> Option<Written> {
        let (complete, own) = requests::backends_of(owner, &request.collection);
        let there = self.items_of(&complete.component).get(&request.collection).copied();
        let found = there.max(self.items_of(&own.component).get(&request.collection).copied());
        if !request.writes {
            return found;
        }
        let written = (found.map_or(0, |(n, _)| n) + 1, request.id);
        self.store_item(&complete.component, &request.collection, written);
        Some(written)
    }

    /// The owner keeps what it wrote or found in its own home, and answers.
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
            let runs = self.pods[&pod].runs.clone();
            let path = vec![(pod, runs.clone(), revision(&runs))];
            let stage = RequestStage::Routing;
            let mut request =
                Request { id: 0, collection, writes: false, before: Some(before), path, stage };
            while let Some(next) = self.advance_request(request, choices) {
                request = next;
            }
        }
    }
}
