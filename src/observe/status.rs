//! The whole status, built from the assessment.

use super::{Assessment, component, conditions, evolution};
use crate::api::ArchitectureStatus;

impl Assessment<'_> {
    /// The status to write.
    pub fn status(&self) -> ArchitectureStatus {
        let ready = self.components.iter().filter(|(_, found)| found.is_available()).count();
        let components = self.components.iter().map(|(planned, availability)| {
            let running = self.running.component(&planned.name);
            component::component_status(planned, running, availability)
        });
        let identity = self.subject.identity;
        let conditions = conditions::all_conditions(self);
        ArchitectureStatus {
            observed_generation: Some(self.subject.generation),
            operator: self.subject.operator.map(str::to_owned),
            shape: self.target.shape,
            evolution: evolution::evolution_status(self, &conditions),
            entry: Some(format!("http://{}", identity.service_host(identity.name.as_str()))),
            components_ready: Some(format!("{ready}/{}", self.components.len())),
            conditions,
            components: components.collect(),
            edges: self.edges.clone(),
            volumes: self.outcome.volumes.clone(),
        }
    }
}
