//! Labels that several metrics share.

use prometheus_client::encoding::EncodeLabelSet;

/// The name of the only controller, as metrics show it.
pub(super) const CONTROLLER: &str = "architecture";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ControllerLabel {
    controller: &'static str,
}

impl ControllerLabel {
    pub(super) const ARCHITECTURE: Self = Self { controller: CONTROLLER };
}
