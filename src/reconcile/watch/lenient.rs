//! An Architecture as the API server has it, also if this version of Maquette cannot read it: an
//! object of a newer version must not end the watch of all the others, and its status must say why.

use super::{super::key::ArchitectureKey, queue::Urgency};
use crate::api::{Architecture, ArchitectureSpec, ArchitectureStatus, RetentionPolicy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, runtime::reflector::ObjectRef};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};

/// An Architecture whose specification may be unreadable.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(inherit = Architecture)]
pub(in crate::reconcile) struct LenientArchitecture {
    pub(in crate::reconcile) metadata: ObjectMeta,
    /// The specification, or why this version cannot read it, with the path of the field.
    pub(in crate::reconcile) spec: Result<ArchitectureSpec, String>,
    /// `spec.retention.whenDeleted`, also of a specification that is unreadable elsewhere.
    pub(in crate::reconcile) when_deleted: Option<RetentionPolicy>,
    /// None also if it is unreadable: the next status replaces it.
    pub(in crate::reconcile) status: Option<ArchitectureStatus>,
}

impl<'de> Deserialize<'de> for LenientArchitecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::<String, Value>::deserialize(deserializer)?;
        let metadata = ObjectMeta::deserialize(take_member(&mut members, "metadata"))
            .map_err(D::Error::custom)?;
        let spec = take_member(&mut members, "spec");
        let when_deleted = spec.pointer("/retention/whenDeleted").cloned();
        let spec = serde_path_to_error::deserialize::<_, ArchitectureSpec>(spec);
        Ok(Self {
            metadata,
            when_deleted: match &spec {
                Ok(spec) => Some(spec.retention.when_deleted),
                Err(_) => when_deleted.and_then(|policy| serde_json::from_value(policy).ok()),
            },
            spec: spec.map_err(|error| match error.path().iter().next() {
                Some(_) => format!("spec.{error}"),
                None => format!("spec: {error}"),
            }),
            status: Deserialize::deserialize(take_member(&mut members, "status"))
                .unwrap_or_default(),
        })
    }
}

impl LenientArchitecture {
    /// How urgent its reconcile is.
    pub(in crate::reconcile::watch) fn urgency(&self) -> Urgency {
        let observed = self.status.as_ref().and_then(|status| status.observed_generation);
        match observed == self.metadata.generation {
            true => Urgency::Event,
            false => Urgency::ChangedSpec,
        }
    }
}

fn take_member(members: &mut Map<String, Value>, name: &str) -> Value {
    members.remove(name).unwrap_or_default()
}

impl ArchitectureKey {
    /// The key of the controller's store.
    pub(in crate::reconcile) fn object_ref(&self) -> ObjectRef<LenientArchitecture> {
        ObjectRef::new(&self.name).within(&self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn architecture(spec: Value, status: Value) -> LenientArchitecture {
        let metadata = json!({"name": "shop", "namespace": "default", "uid": "u", "generation": 3});
        let object = json!({
            "apiVersion": "maquette.dev/v1alpha1", "kind": "Architecture",
            "metadata": metadata, "spec": spec, "status": status,
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_specification_is_urgent_until_the_status_is_of_it() {
        let spec = json!({"shape": "NTier"});
        for (observed, urgency) in [
            (json!(null), Urgency::ChangedSpec),
            (json!(2), Urgency::ChangedSpec),
            (json!(3), Urgency::Event),
        ] {
            let status = json!({"observedGeneration": observed});
            assert_eq!(architecture(spec.clone(), status).urgency(), urgency, "{observed}");
        }
    }

    #[test]
    fn an_unreadable_specification_names_the_field() {
        let services = json!([{"name": "a", "calls": [{"service": 5}]}]);
        let architecture =
            architecture(json!({"shape": "NTier", "nTier": {"services": services}}), json!({}));
        let error = architecture.spec.unwrap_err();
        assert!(error.starts_with("spec.nTier.services[0].calls[0].service: "), "{error}");
        assert_eq!(architecture.metadata.generation, Some(3));
        assert_eq!(architecture.when_deleted, None);
        assert_eq!(architecture.status, Some(ArchitectureStatus::default()));
    }

    #[test]
    fn the_retention_of_an_unreadable_specification_is_read() {
        let retention = json!({"whenDeleted": "Retain", "whenDropped": "Archive"});
        let architecture = architecture(json!({"shape": 5, "retention": retention}), json!({}));
        assert!(architecture.spec.is_err());
        assert_eq!(architecture.when_deleted, Some(RetentionPolicy::Retain));
    }

    #[test]
    fn an_unreadable_status_does_not_hide_the_specification() {
        let volumes = json!([{"name": "a", "state": "Travelling"}]);
        let architecture = architecture(json!({"shape": "NTier"}), json!({"volumes": volumes}));
        assert!(architecture.spec.is_ok());
        assert_eq!(architecture.when_deleted, Some(RetentionPolicy::Delete));
        assert_eq!(architecture.status, None);
    }

    #[test]
    fn a_missing_specification_is_unreadable() {
        let architecture: LenientArchitecture =
            serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
        assert_eq!(
            architecture.spec,
            Err("spec: invalid type: null, expected struct ArchitectureSpec".to_owned())
        );
        assert_eq!(architecture.status, None);
    }
}
