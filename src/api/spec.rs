//! The spec as users write it, and the one value that it is parsed into.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client_server::{ClientServer, ValidClientServer};
use super::error_list::{At, Findings, ValidationErrors};
use super::load::{Load, ValidLoad};
use super::n_tier::{NTier, ValidNTier};
use super::names::{self, CLIENT_IS_STORE};
use super::peer_to_peer::{PeerToPeer, ValidPeerToPeer};
use super::pods::PodSettings;
use super::retention::Retention;
use super::rule;
use super::status::ArchitectureStatus;
use super::three_tier::{ThreeTier, ValidThreeTier};
use super::volumes;

/// One of the four common distributed architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Shape {
    /// Clients query one data store directly.
    ClientServer,
    /// Client, business and data tiers.
    ThreeTier,
    /// Services, each with its own store.
    NTier,
    /// Equal peers that share the items among themselves.
    PeerToPeer,
}

impl Shape {
    /// The name that specifications, statuses and events have.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientServer => "ClientServer",
            Self::ThreeTier => "ThreeTier",
            Self::NTier => "NTier",
            Self::PeerToPeer => "PeerToPeer",
        }
    }

    /// The member of the spec that configures the shape.
    pub fn spec_field(self) -> &'static str {
        match self {
            Self::ClientServer => "clientServer",
            Self::ThreeTier => "threeTier",
            Self::NTier => "nTier",
            Self::PeerToPeer => "peerToPeer",
        }
    }
}

/// What to build: the shape is all that must be said. The member named after a shape configures
/// that shape; members of other shapes may stay, so that a change of `shape` alone, and back, is
/// enough.
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
        description = "The shape asked for."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether the whole works."
    ),
    printcolumn(
        name = "Traffic",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="TrafficFlowing")].status"#,
        description = "Whether the end users are served."
    ),
    printcolumn(
        name = "Components",
        type_ = "string",
        json_path = ".status.componentsReady",
        description = "Components that are available, of all."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1,
        description = "Why it is ready or not."
    ),
    printcolumn(
        name = "Step",
        type_ = "string",
        json_path = ".status.evolution.step",
        priority = 1,
        description = "The step of the change that is under way."
    ),
    printcolumn(
        name = "Change",
        type_ = "string",
        json_path = ".status.evolution.message",
        priority = 1,
        description = "What that step waits for."
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = spec_rules()))]
pub struct ArchitectureSpec {
    /// The shape that is to serve: `ClientServer` (clients query one store directly), `ThreeTier`
    /// (client, business and data tiers), `NTier` (services, each with a store of its own) or
    /// `PeerToPeer` (equal peers that share the items). Changing it on a running model evolves it.
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
    /// The end users.
    #[serde(default)]
    pub load: Load,
    /// What becomes of volumes that are no longer used.
    #[serde(default)]
    pub retention: Retention,
    /// Settings of every pod of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodSettings>,
}

fn spec_rules() -> Vec<ValidationRule> {
    let mut rules = rule::schema(&[CLIENT_IS_STORE]);
    rules.extend(rule::schema(&volumes::RULES));
    rules
}

/// A spec that was found valid; only [`ArchitectureSpec::validate`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidSpec {
    pub(crate) shape: ValidShape,
    pub(crate) load: ValidLoad,
    pub(crate) retention: Retention,
    pub(crate) pods: PodSettings,
    inactive: Vec<&'static str>,
}

/// The settings of the shape that is to serve.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValidShape {
    ClientServer(ValidClientServer),
    ThreeTier(ValidThreeTier),
    NTier(ValidNTier),
    PeerToPeer(ValidPeerToPeer),
}

impl ValidSpec {
    /// The members of the spec that configure other shapes than the one that is to serve.
    pub fn inactive(&self) -> &[&'static str] {
        &self.inactive
    }
}

impl ArchitectureSpec {
    /// The smallest complete spec of a shape.
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

    /// Parses the spec of the Architecture called `name`: all members, not only the active one.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn validate(&self, name: &str) -> Result<ValidSpec, ValidationErrors> {
        let mut findings = Findings::default();
        let at = At::root().field("spec");
        names::check_names(self, name, &mut findings);
        let pods = self.pods.clone().unwrap_or_default();
        pods.validate(&at.field("pods"), &mut findings);
        let client_server = self.client_server(&at, &mut findings);
        let three_tier = self.three_tier(&at, &mut findings);
        let n_tier = self.n_tier(&at, &mut findings);
        let peer_to_peer = self.peer_to_peer(&at, &mut findings);
        let load = self.load.validate(&at.field("load"), &mut findings);
        let shape = match self.shape {
            Shape::ClientServer => client_server.map(ValidShape::ClientServer),
            Shape::ThreeTier => three_tier.map(ValidShape::ThreeTier),
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
        findings.into_result(valid)
    }

    fn client_server(&self, at: &At, findings: &mut Findings) -> Option<ValidClientServer> {
        let member = self.client_server.clone().unwrap_or_default();
        member.validate(&at.field(Shape::ClientServer.spec_field()), findings)
    }

    fn three_tier(&self, at: &At, findings: &mut Findings) -> Option<ValidThreeTier> {
        let member = self.three_tier.clone().unwrap_or_default();
        member.validate(&at.field(Shape::ThreeTier.spec_field()), findings)
    }

    fn n_tier(&self, at: &At, findings: &mut Findings) -> Option<ValidNTier> {
        let member = self.n_tier.clone().unwrap_or_default();
        member.validate(&at.field(Shape::NTier.spec_field()), findings)
    }

    fn peer_to_peer(&self, at: &At, findings: &mut Findings) -> Option<ValidPeerToPeer> {
        let member = self.peer_to_peer.clone().unwrap_or_default();
        member.validate(&at.field(Shape::PeerToPeer.spec_field()), findings)
    }

    fn inactive_fields(&self) -> Vec<&'static str> {
        let members = [
            (Shape::ClientServer, self.client_server.is_some()),
            (Shape::ThreeTier, self.three_tier.is_some()),
            (Shape::NTier, self.n_tier.is_some()),
            (Shape::PeerToPeer, self.peer_to_peer.is_some()),
        ];
        let others =
            members.into_iter().filter(|(shape, written)| *written && *shape != self.shape);
        others.map(|(shape, _)| shape.spec_field()).collect()
    }
}
