//! Any valid model, planned and rendered.

use crate::specs::valid;
use maquette::{
    api::ArchitectureSpec,
    plan::{Identity, Topology, plan},
    render::{ObjectsByKind, RenderSettings, render},
};
use proptest::{option, prelude::*};

/// Fewer cases than usual: a model has many objects.
pub(crate) const CASES: u32 = 64;

/// The topology of a valid `spec`.
pub(crate) fn plan_model(spec: &ArchitectureSpec, name: &str, uid: &str) -> Topology {
    let identity = Identity {
        name: name.parse().expect("a name"),
        namespace: "models".to_owned(),
        uid: uid.to_owned(),
    };
    plan(&spec.validate(name).expect("a valid spec"), identity).expect("a spec that can be planned")
}

pub(crate) fn render_model(topology: &Topology) -> ObjectsByKind {
    render(topology, &RenderSettings::default()).into_objects()
}

/// Any topology that a valid Architecture can have.
pub(crate) fn any_topology() -> impl Strategy<Value = Topology> {
    let name = "[a-z]([a-z0-9-]{0,20}[a-z0-9])?";
    (valid(), name, option::of(Just("the-uid")))
        .prop_map(|(spec, name, uid)| plan_model(&spec, &name, uid.unwrap_or_default()))
}
