//! An Architecture as the API server has it, also one that this version cannot read, such as one
//! that a newer version wrote: it must not end the watch of all the others, and its status must
//! tell.

use crate::api::{Architecture, ArchitectureSpec, ArchitectureStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// An Architecture as the API server has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LenientArchitecture {
    pub(super) metadata: ObjectMeta,
    /// What is wanted, or why this version cannot tell, with the path of the field.
    pub(super) spec: Result<ArchitectureSpec, String>,
    /// None as well if it is one of a newer version, for then it is written anew.
    pub(super) status: Option<ArchitectureStatus>,
}

impl<'de> Deserialize<'de> for LenientArchitecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::<String, Value>::deserialize(deserializer)?;
        let mut take = |member| members.remove(member).unwrap_or_default();
        let metadata = ObjectMeta::deserialize(take("metadata")).map_err(D::Error::custom)?;
        let spec = serde_path_to_error::deserialize(take("spec"));
        Ok(Self {
            metadata,
            spec: spec.map_err(|error| match error.path().iter().next() {
                Some(_) => format!("spec.{error}"),
                None => format!("spec: {error}"),
            }),
            status: Deserialize::deserialize(take("status")).unwrap_or_default(),
        })
    }
}

impl Resource for LenientArchitecture {
    type DynamicType = ();
    type Scope = <Architecture as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        Architecture::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Architecture::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Architecture::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Architecture::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(spec: Value, status: Value) -> LenientArchitecture {
        let metadata = json!({"name": "shop", "namespace": "default", "uid": "u", "generation": 3});
        let object = json!({
            "apiVersion": "maquette.dev/v1alpha1", "kind": "Architecture",
            "metadata": metadata, "spec": spec, "status": status,
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_specification_that_cannot_be_read_names_the_field() {
        let services = json!([{"name": "a", "calls": [{"service": 5}]}]);
        let found = found(json!({"shape": "NTier", "nTier": {"services": services}}), json!({}));
        let error = found.spec.unwrap_err();
        assert!(error.starts_with("spec.nTier.services[0].calls[0].service: "), "{error}");
        assert_eq!(found.metadata.generation, Some(3));
        assert_eq!(found.status, Some(ArchitectureStatus::default()));
    }

    #[test]
    fn a_status_that_cannot_be_read_keeps_nobody_from_reading_the_specification() {
        let volumes = json!([{"name": "a", "state": "Travelling"}]);
        let found = found(json!({"shape": "NTier"}), json!({"volumes": volumes}));
        assert!(found.spec.is_ok());
        assert_eq!(found.status, None);
    }

    #[test]
    fn without_a_specification_and_a_status_nothing_is_wanted() {
        let found: LenientArchitecture =
            serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
        assert_eq!(
            found.spec,
            Err("spec: invalid type: null, expected struct ArchitectureSpec".to_owned())
        );
        assert_eq!(found.status, None);
    }
}
