//! The spec as users write it, and the value that it is parsed into.
//!
//! Owns the rules that compare several fields of the spec: names across shapes, volumes before and
//! after a change. It never looks at the cluster.

pub(crate) mod component_names;
pub(crate) mod reserved_names;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{Load, PodSettings, Retention, ValidLoad};
use super::shape::Shape;
use super::shapes::{
    ClientServer, NTier, PeerToPeer, ThreeTier, ValidClientServer, ValidNTier, ValidPeerToPeer,
    ValidThreeTier,
};
use super::status::ArchitectureStatus;
use super::validation::{ErrorList, FieldPath, ValidationErrors, schema_rules};
use component_names::Names;

/// The model to build. Only `shape` is required. The field named after a shape configures that
/// shape. Settings of other shapes may stay in the spec: they have no effect until `shape` names
/// them.
#[expect(clippy::duplicated_attributes, reason = "each printcolumn has its own type_")]
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "maquette.dev",
    version = "v1alpha1",
    kind = "Architecture",
    plural = "architectures",
    shortname = "arch",
    category = "maquette",
    namespaced,
    status = "ArchitectureStatus",
    derive = "PartialEq",
    doc = "A working model of a distributed architecture: real pods, real traffic, real stores.",
    printcolumn(
        name = "Shape",
        type_ = "string",
        json_path = ".spec.shape",
        description = "The shape of the specification."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether all components and edges work."
    ),
    printcolumn(
        name = "Traffic",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="TrafficFlowing")].status"#,
        description = "Whether requests of the end users succeed."
    ),
    printcolumn(
        name = "Components",
        type_ = "string",
        json_path = ".status.componentsReady",
        description = "Available components / all components."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1,
        description = "Why the model is ready or not."
    ),
    printcolumn(
        name = "Step",
        type_ = "string",
        json_path = ".status.evolution.step",
        priority = 1,
        description = "The current step of a change in progress."
    ),
    printcolumn(
        name = "Change",
        type_ = "string",
        json_path = ".status.evolution.message",
        priority = 1,
        description = "What the current step waits for."
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = spec_rules()))]
pub struct ArchitectureSpec {
    /// The shape of the model: `ClientServer` (clients query one store directly), `ThreeTier`
    /// (client, business and data tiers), `NTier` (services, each with its own store) or
    /// `PeerToPeer` (equal peers that share the items). If you change it, the running model evolves
    /// to the new shape step by step and keeps its items.
    pub shape: Shape,
    /// Settings of the shape `ClientServer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_server: Option<ClientServer>,
    /// Settings of the shape `ThreeTier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub three_tier: Option<ThreeTier>,
    /// Settings of the shape `NTier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_tier: Option<NTier>,
    /// Settings of the shape `PeerToPeer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_to_peer: Option<PeerToPeer>,
    /// The load: requests that simulate end users.
    #[serde(default)]
    pub load: Load,
    /// Whether volumes that are no longer in use are deleted.
    #[serde(default)]
    pub retention: Retention,
    /// Settings of every pod of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodSettings>,
}

fn spec_rules() -> Vec<ValidationRule> {
    schema_rules([component_names::client_is_store()])
}

/// A valid spec, parsed; only [`ArchitectureSpec::validate`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidSpec {
    pub(crate) shape: ValidShape,
    pub(crate) load: ValidLoad,
    pub(crate) retention: Retention,
    pub(crate) pods: PodSettings,
    inactive: Vec<&'static str>,
}

/// The settings of the shape of the spec.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValidShape {
    ClientServer(ValidClientServer),
    ThreeTier(Box<ValidThreeTier>),
    NTier(ValidNTier),
    PeerToPeer(ValidPeerToPeer),
}

impl ValidSpec {
    /// The fields of the spec that configure a shape other than `spec.shape`.
    pub fn inactive(&self) -> &[&'static str] {
        &self.inactive
    }
}

impl ArchitectureSpec {
    /// The spec that sets `shape` only.
    pub fn minimal(shape: Shape) -> Self {
        Self {
            shape,
            client_server: None,
            three_tier: None,
            n_tier: None,
            peer_to_peer: None,
            load: Load::default(),
            retention: Retention::default(),
            pods: None,
        }
    }

    /// Parses the spec of the Architecture called `name`: the settings of all shapes, also of those
    /// that are not active.
    ///
    /// # Errors
    /// All invalid fields.
    pub fn validate(&self, name: &str) -> Result<ValidSpec, ValidationErrors> {
        let mut errors = ErrorList::default();
        let path = FieldPath::root().field("spec");
        self.names(name).check(&mut errors);
        let pods = self.pods.clone().unwrap_or_default();
        pods.validate(&path.field("pods"), &mut errors);
        let client_server = self.validate_client_server(&path, &mut errors);
        let three_tier = self.validate_three_tier(&path, &mut errors);
        let n_tier = self.validate_n_tier(&path, &mut errors);
        let peer_to_peer = self.validate_peer_to_peer(&path, &mut errors);
        let load = self.load.validate(&path.field("load"), &mut errors);
        let shape = match self.shape {
            Shape::ClientServer => client_server.map(ValidShape::ClientServer),
            Shape::ThreeTier => three_tier.map(Box::new).map(ValidShape::ThreeTier),
            Shape::NTier => n_tier.map(ValidShape::NTier),
            Shape::PeerToPeer => peer_to_peer.map(ValidShape::PeerToPeer),
        };
        let valid = shape.zip(load).map(|(shape, load)| ValidSpec {
            shape,
            load,
            retention: self.retention.clone(),
            pods,
            inactive: self.inactive_fields(),
        });
        errors.into_result(valid)
    }

    fn names<'a>(&'a self, architecture: &'a str) -> Names<'a> {
        Names {
            architecture,
            shape: self.shape,
            clients: self.client_server.as_ref().map_or(&[], |shape| &shape.clients),
            n_tier: self.n_tier.as_ref(),
        }
    }

    fn validate_client_server(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidClientServer> {
        let settings = self.client_server.clone().unwrap_or_default();
        settings.validate(&path.field(Shape::ClientServer.spec_field()), errors)
    }

    fn validate_three_tier(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidThreeTier> {
        let settings = self.three_tier.clone().unwrap_or_default();
        settings.validate(&path.field(Shape::ThreeTier.spec_field()), errors)
    }

    fn validate_n_tier(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ValidNTier> {
        let settings = self.n_tier.clone().unwrap_or_default();
        settings.validate(&path.field(Shape::NTier.spec_field()), errors)
    }

    fn validate_peer_to_peer(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<ValidPeerToPeer> {
        let settings = self.peer_to_peer.clone().unwrap_or_default();
        settings.validate(&path.field(Shape::PeerToPeer.spec_field()), errors)
    }

    fn inactive_fields(&self) -> Vec<&'static str> {
        [
            (Shape::ClientServer, self.client_server.is_some()),
            (Shape::ThreeTier, self.three_tier.is_some()),
            (Shape::NTier, self.n_tier.is_some()),
            (Shape::PeerToPeer, self.peer_to_peer.is_some()),
        ]
        .into_iter()
        .filter(|(shape, is_set)| *is_set && *shape != self.shape)
        .map(|(shape, _)| shape.spec_field())
        .collect()
    }
}
