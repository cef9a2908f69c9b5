//! A model of a cluster in which everything happens late, in any order, or not at all: the operator
//! dies between two writes, pods load, start, report and end when they like, users read and write
//! all the time. What must never happen is checked as it happens.

use super::{
    pods::{Pass, Pod, PodId, now, revision},
    requests::{self, Next, Request, Stage, Written},
};
use crate::{
    evolve::{Evolution, evolve, home, wiring},
    observe::{Report, Running, RunningNode, Workload},
    plan::{Node, Task, Topology},
};
use maquette_contract::{Kind, NodeName, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that decide what happens; when there are no more, always the first choice.
pub(super) struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    pub(super) fn new(numbers: Vec<u32>) -> Self {
        Self(numbers.into_iter())
    }

    pub(super) fn are_left(&self) -> bool {
        !self.0.as_slice().is_empty()
    }

    /// Which of `count` is wanted from now on: seldom another one than `at`.
    pub(super) fn change_of_mind(&mut self, at: usize, count: usize) -> usize {
        if self.below(12) == 11 { self.below(count) } else { at }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |n| n as usize % bound.max(1))
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).cloned()
    }
}

/// The cluster.
pub(super) struct World {
    /// What the operator has applied, node by node.
    pub(super) applied: BTreeMap<NodeName, Node>,
    pub(super) entry: Option<NodeName>,
    pods: BTreeMap<PodId, Pod>,
    /// What each store or the peers hold: the newest write of the item of each kind.
    data: BTreeMap<NodeName, BTreeMap<Kind, Written>>,
    requests: Vec<Request>,
    acknowledged: BTreeMap<Kind, Written>,
    /// Nodes that users have had for the entry; they may still hold connections there.
    entries: BTreeSet<NodeName>,
    /// Kinds that somebody owns in every topology of the case.
    kinds: Vec<Kind>,
    created: usize,
    /// What went on, for a person who reads a failure.
    pub(super) log: Vec<String>,
}

impl World {
    pub(super) fn new(kinds: Vec<Kind>) -> Self {
        Self {
            applied: BTreeMap::new(),
            entry: None,
            pods: BTreeMap::new(),
            data: BTreeMap::new(),
            requests: vec![],
            acknowledged: BTreeMap::new(),
            entries: BTreeSet::new(),
            kinds,
            created: 0,
            log: vec![],
        }
    }

    fn note(&mut self, text: String) {
        self.log.push(text);
    }

    /// What the operator sees.
    pub(super) fn running(&self) -> Running {
        let mut nodes: BTreeMap<NodeName, RunningNode> = BTreeMap::new();
        for node in self.applied.values() {
            let own = || self.pods.values().filter(|pod| pod.node == node.name && !pod.ending);
            let count = |n: usize| u32::try_from(n).unwrap();
            let ready = count(own().filter(|pod| pod.ready).count());
            let workload = Workload {
                seen: true,
                wanted: node.replicas,
                total: count(own().count()),
                updated: ready,
                available: ready,
                trouble: None,
            };
            let found = nodes.entry(node.name.clone()).or_default();
            found.planned = Some(node.clone());
            found.revision = Some(revision(node));
            found.workload = Some(workload);
        }
        for (id, pod) in &self.pods {
            let found = nodes.entry(pod.node.clone()).or_default();
            match pod.ending {
                false => found.pods.push(pod.as_running(*id, found.pods.len())),
                true => found.leaving += 1,
            }
        }
        Running::new(self.entry.clone(), nodes)
    }

    /// The operator works once; it may die after any of its writes.
    pub(super) fn reconcile(&mut self, wanted: &Topology, choices: &mut Choices) -> Evolution {
        let evolution = evolve(wanted, &self.running(), now());
        let apply = &evolution.apply;
        let lives = choices.below(4) != 3;
        let mut upserts: Vec<_> = apply.nodes.values().cloned().map(Some).chain([None]).collect();
        while !upserts.is_empty() {
            match upserts.swap_remove(choices.below(upserts.len())) {
                Some(node) => self.upsert(node),
                None => self.enter(apply.entry.clone()),
            }
            if !lives && choices.below(3) == 0 {
                self.note("the operator dies".to_owned());
                return evolution;
            }
        }
        let gone: Vec<_> =
            self.applied.keys().filter(|name| apply.node(name).is_none()).cloned().collect();
        for name in gone {
            self.remove(&name);
        }
        // Once all is wired as wanted, nobody keeps a connection to an entry of before: those to
        // nodes that go on were ended by their first answer after a change, and idle ones by time.
        let pure = |node: &Node| apply.node(&node.name).is_some_and(|now| wiring::same(now, node));
        if wanted.nodes().all(pure) {
            let entry = self.entry.clone();
            self.entries.retain(|name| Some(name) == entry.as_ref() || wanted.node(name).is_none());
        }
        evolution
    }

    fn upsert(&mut self, node: Node) {
        if self.applied.get(&node.name) == Some(&node) {
            return;
        }
        for edge in node.edges() {
            let to = &edge.to;
            let comes = *to == node.name || self.applied.contains_key(to);
            // What comes in the same round is there when a pod could ask for it.
            self.note(format!(
                "{} is told: -> {to}{}",
                node.name,
                if comes { "" } else { " (new)" }
            ));
        }
        if matches!(node.task, Task::Store(_) | Task::Peer(_)) {
            self.data.entry(node.name.clone()).or_default();
        }
        // What pods said before they were told something does not count.
        let told = self.applied.get(&node.name).is_none_or(|old| revision(old) != revision(&node));
        for pod in self.pods.values_mut().filter(|pod| told && pod.node == node.name) {
            pod.report = Report::default();
        }
        self.applied.insert(node.name.clone(), node);
    }

    fn enter(&mut self, entry: NodeName) {
        if self.entry.as_ref() != Some(&entry) {
            self.note(format!("the entry leads to {entry}"));
            self.entries.insert(entry.clone());
            self.entry = Some(entry);
        }
    }

    fn remove(&mut self, name: &NodeName) {
        self.note(format!("{name} is removed"));
        self.applied.remove(name);
        self.data.remove(name);
        self.entries.remove(name);
        // One that is not ready answers nobody; the load plays users, who may hold on to anything.
        let asking = self.pods.values().find(|pod| {
            let asks = pod.runs.edges().iter().any(|edge| edge.to == *name);
            let answers = pod.ready && !pod.ending && pod.runs.role() != Role::Load;
            asks && answers && pod.node != *name
        });
        let log = &self.log;
        assert!(asking.is_none(), "{} still asks {name}; {log:#?}", asking.unwrap().node);
    }

    /// Something happens by itself.
    pub(super) fn happen(&mut self, choices: &mut Choices) {
        match choices.below(16) {
            12..=15 => self.go_on(choices),
            0 | 1 => self.load(choices),
            2 => self.start_or_end(choices),
            3 | 4 => self.report(choices),
            5 => self.begin(choices),
            6 => self.kill(choices),
            7 => self.copy(choices),
            _ => self.advance(choices),
        }
    }

    /// Most pods do what they can, so that a change comes far; requests and copies stay where they
    /// are.
    fn go_on(&mut self, choices: &mut Choices) {
        let names: BTreeSet<_> =
            self.applied.keys().chain(self.pods.values().map(|pod| &pod.node)).cloned().collect();
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

    fn any_pod(&self, choices: &mut Choices) -> Option<PodId> {
        let ids: Vec<_> = self.pods.keys().copied().collect();
        choices.pick(&ids)
    }

    fn load(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.load_one(id);
        }
    }

    fn load_one(&mut self, id: PodId) {
        let pod = self.pods.get_mut(&id).unwrap();
        if let Some(node) = self.applied.get(&pod.node).filter(|_| !pod.ending) {
            pod.load(node);
        }
    }

    /// Makes pods that are missing, and ends those that are too many.
    fn start_or_end(&mut self, choices: &mut Choices) {
        let names: BTreeSet<_> =
            self.applied.keys().chain(self.pods.values().map(|pod| &pod.node)).cloned().collect();
        let names: Vec<_> = names.into_iter().collect();
        if let Some(name) = choices.pick(&names) {
            self.scale(&name);
        }
    }

    fn scale(&mut self, name: &NodeName) {
        let wanted = self.applied.get(name).map_or(0, |node| node.replicas as usize);
        let own = |pod: &Pod| pod.node == *name && !pod.ending;
        let ids: Vec<_> = self.pods.iter().filter(|(_, p)| own(p)).map(|(id, _)| *id).collect();
        if let Some(node) = self.applied.get(name).filter(|_| ids.len() < wanted) {
            let pod = Pod::new(node.clone());
            self.pods.insert(self.created, pod);
            self.created += 1;
        } else if ids.len() > wanted {
            self.pods.get_mut(&ids[ids.len() - 1]).unwrap().ending = true;
        } else {
            for id in ids {
                self.pods.get_mut(&id).unwrap().ready = true;
            }
        }
        let busy: BTreeSet<_> =
            self.requests.iter().flat_map(|r| r.path.iter().map(|(id, ..)| *id)).collect();
        self.pods.retain(|id, pod| pod.node != *name || !pod.ending || busy.contains(id));
    }

    fn kill(&mut self, choices: &mut Choices) {
        let Some(id) = self.any_pod(choices) else { return };
        self.pods.remove(&id);
        self.requests.retain(|request| request.path.iter().all(|(at, ..)| *at != id));
    }

    fn report(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.report_one(id);
        }
    }

    fn report_one(&mut self, id: PodId) {
        let pod = &self.pods[&id];
        let now_runs = revision(&pod.runs);
        let stays = |(at, _, ran): &&(PodId, Node, _)| *at == id && *ran != now_runs;
        let older = self.requests.iter().flat_map(|r| &r.path).filter(stays).count();
        let works = |to: &NodeName| self.pods.values().any(|pod| pod.node == *to && pod.ready);
        let said = pod.observe(id, u32::try_from(older).unwrap(), works);
        self.pods.get_mut(&id).unwrap().report =
            Report { latest: Some((now(), said)), failure: None };
    }

    fn copy(&mut self, choices: &mut Choices) {
        if let Some(id) = self.any_pod(choices) {
            self.copy_one(id, choices.below(2) == 0);
        }
    }

    /// Begins a copy, or copies one item of each origin.
    fn copy_one(&mut self, id: PodId, all: bool) {
        let pod = &self.pods[&id];
        let mut passes = pod.passes.clone();
        let mut found = vec![];
        for (origin, pass) in &mut passes {
            let Some(items) = self.data.get(origin) else { continue };
            let own = home::own_home(&pod.runs).expect("who takes over has a home");
            if !self.data.contains_key(&own.node) {
                continue;
            }
            if !pass.began {
                let takes = items.keys().filter(|kind| pod.takes_over(origin, kind));
                *pass = Pass { began: true, left: takes.cloned().collect() };
            }
            let some = if all { pass.left.len() } else { pass.left.len().min(1) };
            found.extend(pass.left.drain(..some).filter_map(|kind| {
                let written = *items.get(&kind)?;
                Some((own.node.clone(), kind, written))
            }));
        }
        self.pods.get_mut(&id).unwrap().passes = passes;
        for (home, kind, written) in found {
            self.keep(&home, &kind, written);
        }
    }

    fn home(&mut self, home: &NodeName) -> &mut BTreeMap<Kind, Written> {
        let log = &self.log;
        self.data.get_mut(home).unwrap_or_else(|| panic!("{home} is gone; {log:#?}"))
    }

    fn keep(&mut self, home: &NodeName, kind: &Kind, written: Written) {
        let items = self.home(home);
        let kept = items.entry(kind.clone()).or_insert(written);
        *kept = written.max(*kept);
    }

    /// A user's request comes to a pod of an entry of now or before, or to one that the load drives.
    fn begin(&mut self, choices: &mut Choices) {
        let drives = self.pods.values().filter_map(|pod| match &pod.runs.task {
            Task::Load(task) if pod.ready => Some(task.drives.clone()),
            _ => None,
        });
        let at: BTreeSet<_> = drives.flatten().chain(self.entries.iter().cloned()).collect();
        let at: Vec<_> = at.into_iter().filter(|node| self.applied.contains_key(node)).collect();
        let (node, kind) = (choices.pick(&at), choices.pick(&self.kinds));
        let (Some(node), Some(kind)) = (node, kind) else { return };
        let Some(pod) = self.answers(&node, choices) else { return };
        self.created += 1;
        let before = self.acknowledged.get(&kind).copied();
        let runs = self.pods[&pod].runs.clone();
        self.requests.push(Request {
            id: self.created,
            kind,
            writes: choices.below(2) == 0,
            before,
            path: vec![(pod, runs.clone(), revision(&runs))],
            stage: Stage::Way,
        });
    }

    /// A pod of `node` that takes requests; seldom one that is about to end.
    fn answers(&self, node: &NodeName, choices: &mut Choices) -> Option<PodId> {
        let of = |pod: &Pod| pod.node == *node && pod.ready;
        let late = choices.below(8) == 7;
        let takes = self.pods.iter().filter(|(_, pod)| of(pod) && (late || !pod.ending));
        let ids: Vec<_> = takes.map(|(id, _)| *id).collect();
        choices.pick(&ids)
    }

    fn advance(&mut self, choices: &mut Choices) {
        if self.requests.is_empty() {
            return;
        }
        let request = self.requests.swap_remove(choices.below(self.requests.len()));
        if let Some(request) = self.advance_one(request, choices) {
            self.requests.push(request);
        }
    }

    /// One move of a request; none if it has ended.
    fn advance_one(&mut self, mut request: Request, choices: &mut Choices) -> Option<Request> {
        let at = request.path.last().map(|(_, runs, _)| runs.clone()).unwrap();
        if let Stage::Half(found) = request.stage {
            self.finish(&request, &at, found);
            return None;
        }
        match requests::next(&at, &request.kind) {
            Next::Here => {
                let found = self.half(&request, &at);
                request.stage = Stage::Half(found);
                Some(request)
            }
            Next::To(node) => {
                // Held while nobody answers.
                let Some(pod) = self.answers(&node, choices) else {
                    let exists = self.applied.contains_key(&node)
                        || self.pods.values().any(|pod| pod.node == node);
                    let (from, log) = (&at.name, &self.log);
                    assert!(exists, "{from} sends a request to {node}, which is gone; {log:#?}");
                    return Some(request);
                };
                let runs = self.pods[&pod].runs.clone();
                let revision = revision(&runs);
                request.path.push((pod, runs, revision));
                assert!(request.path.len() < 16, "in a circle: {}", self.tell(&request));
                Some(request)
            }
            Next::Nowhere => panic!("nobody owns it: {}", self.tell(&request)),
        }
    }

    fn tell(&self, request: &Request) -> String {
        let path: Vec<_> = request.path.iter().map(|(_, runs, _)| runs.name.as_str()).collect();
        format!("{} by {path:?}; {:#?}", request.kind, self.log)
    }

    /// The owner asks both homes, and writes to the complete one.
    fn half(&mut self, request: &Request, owner: &Node) -> Option<Written> {
        let (complete, own) = requests::homes(owner, &request.kind);
        let there = self.home(&complete.node).get(&request.kind).copied();
        let found = there.max(self.home(&own.node).get(&request.kind).copied());
        if !request.writes {
            return found;
        }
        let written = (found.map_or(0, |(n, _)| n) + 1, request.id);
        self.keep(&complete.node, &request.kind, written);
        Some(written)
    }

    /// The owner keeps what it wrote or found in its own home, and answers.
    fn finish(&mut self, request: &Request, owner: &Node, found: Option<Written>) {
        let (_, own) = requests::homes(owner, &request.kind);
        if let Some(written) = found {
            self.keep(&own.node, &request.kind, written);
        }
        assert!(
            found >= request.before,
            "lost: {found:?} is older than {:?}: {}",
            request.before,
            self.tell(request)
        );
        let newest = self.acknowledged.get(&request.kind).copied();
        if let Some(newest) = newest.max(found) {
            self.acknowledged.insert(request.kind.clone(), newest);
        }
    }

    /// Everything that can happen does.
    pub(super) fn catch_up(&mut self) {
        let choices = &mut Choices::new(vec![]);
        for _ in 0..200 {
            if self.requests.is_empty() {
                break;
            }
            self.advance(choices);
            self.settle_pods();
        }
        self.settle_pods();
        let ids: Vec<_> = self.pods.keys().copied().collect();
        for id in ids {
            self.copy_one(id, true);
            self.report_one(id);
        }
    }

    fn settle_pods(&mut self) {
        let names: BTreeSet<_> =
            self.applied.keys().chain(self.pods.values().map(|pod| &pod.node)).cloned().collect();
        for name in names {
            (0..6).for_each(|_| self.scale(&name));
        }
        let ids: Vec<_> = self.pods.keys().copied().collect();
        ids.into_iter().for_each(|id| self.load_one(id));
    }

    /// Reads every acknowledged item through the entry.
    pub(super) fn read_all(&mut self) {
        let entry = self.entry.clone().expect("an entry");
        for (kind, before) in self.acknowledged.clone() {
            let choices = &mut Choices::new(vec![]);
            let pod = self.answers(&entry, choices).expect("the entry has a pod");
            let runs = self.pods[&pod].runs.clone();
            let path = vec![(pod, runs.clone(), revision(&runs))];
            let stage = Stage::Way;
            let mut request =
                Request { id: 0, kind, writes: false, before: Some(before), path, stage };
            while let Some(next) = self.advance_one(request, choices) {
                request = next;
            }
        }
    }
}
