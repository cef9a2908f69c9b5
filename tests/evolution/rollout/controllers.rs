//! The controllers of Deployments and StatefulSets, one small step at a time.

use super::world::{SimulatedPod, World};
use k8s_openapi::api::core::v1::PodTemplateSpec;

impl World {
    fn starting_pod(
        &mut self,
        name: String,
        template: &PodTemplateSpec,
        hash: &str,
    ) -> SimulatedPod {
        SimulatedPod { ready: false, ..self.new_pod(name, template.clone(), hash) }
    }

    /// A Deployment with `maxSurge: 1` and `maxUnavailable: 0`.
    pub(super) fn surge(
        &mut self,
        name: &str,
        template: &PodTemplateSpec,
        hash: &str,
        replicas: usize,
        pods: &mut Vec<SimulatedPod>,
    ) -> bool {
        let new = pods.iter().filter(|pod| pod.hash == hash).count();
        let unready_old = pods.iter().position(|pod| pod.hash != hash && !pod.ready);
        let ready_old = pods.iter().position(|pod| pod.hash != hash && pod.ready);
        let ready = pods.iter().filter(|pod| pod.ready).count();
        match (unready_old, ready_old) {
            (Some(old), _) => _ = pods.remove(old),
            (None, Some(old)) if ready > replicas => _ = pods.remove(old),
            _ if new < replicas && pods.len() <= replicas => {
                self.names += 1;
                let pod = self.starting_pod(format!("{name}-x{}", self.names), template, hash);
                pods.push(pod);
            }
            _ => return false,
        }
        true
    }

    /// A Deployment that ends all pods before it creates new ones.
    pub(super) fn recreate(
        &mut self,
        name: &str,
        template: &PodTemplateSpec,
        hash: &str,
        pods: &mut Vec<SimulatedPod>,
    ) -> bool {
        let before = pods.len();
        pods.retain(|pod| pod.hash == hash);
        if pods.len() == before && before == 0 {
            self.names += 1;
            let pod = self.starting_pod(format!("{name}-x{}", self.names), template, hash);
            pods.push(pod);
        }
        pods.len() != before
    }

    /// A StatefulSet: the highest ordinal first, and the next when that one is ready.
    pub(super) fn replace_highest(
        &mut self,
        name: &str,
        template: &PodTemplateSpec,
        hash: &str,
        replicas: usize,
        pods: &mut Vec<SimulatedPod>,
    ) -> bool {
        for ordinal in 0..replicas {
            let pod = format!("{name}-{ordinal}");
            if !pods.iter().any(|found| found.name == pod) {
                let new = self.starting_pod(pod, template, hash);
                pods.push(new);
                pods.sort_by(|a, b| a.name.cmp(&b.name));
                return true;
            }
        }
        if self.sets_wait && pods.iter().any(|pod| !pod.ready) {
            return false;
        }
        for ordinal in (0..pods.len()).rev() {
            if pods[ordinal].hash != hash {
                pods.remove(ordinal);
                return true;
            }
            if !pods[ordinal].ready {
                return false;
            }
        }
        false
    }
}
