//! A model as a graph that people look at: in words, and drawn.
//!
//! Owns what there is to say of a component and of an edge, how two models differ, and how that is drawn
//! as Mermaid, DOT or SVG. It never decides what is to run, and never reads or writes anything.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod caption;
mod compare;
mod difference;
mod dot;
mod labeled_edge;
mod layout;
mod mermaid;
mod model;
mod picture;
mod svg;

pub use caption::{collections_text, describe_component};
pub use compare::{Change, Comparison, ComponentChange, EdgeChange, compare_models};
pub use difference::{Difference, Disruption, component_differences};
pub use dot::dot;
pub use labeled_edge::LabeledEdge;
pub use mermaid::mermaid;
pub use model::Model;
pub use picture::Picture;
pub use svg::svg;
