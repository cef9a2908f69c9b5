//! Parts of a spec that several shapes share, or that no shape owns: component settings, storage,
//! resources, load, pods.
//!
//! Owns how each part is written and parsed. It never depends on a shape.

mod amount_rules;
mod component;
mod duration;
mod load;
mod pods;
pub(crate) mod quantity;
mod resources;
mod retention;
mod storage;

pub use component::{ComponentSettings, Quantiles};
pub use load::{Arrivals, ClosedLoop, Load, Ramp};
pub use pods::{
    ImagePullPolicy, ImagePullSecret, PodSettings, TaintEffect, Toleration, TolerationOperator,
};
pub use quantity::{Quantity, QuantityError};
pub use resources::{Amounts, Resources};
pub use retention::{Retention, RetentionPolicy};
pub use storage::{DataStore, Storage};

pub(crate) use component::{ValidComponent, response_size_rule};
pub(crate) use duration::parse_micros;
pub(crate) use load::ValidLoad;
pub(crate) use resources::{ValidAmounts, ValidResources};
pub(crate) use storage::{ValidStorage, ValidStore};
