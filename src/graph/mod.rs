//! A model as a graph that people look at: in words, and drawn.
//!
//! Owns what there is to say of a component and of an edge, how two models differ, and how that is drawn
//! as Mermaid, DOT or SVG. It never decides what is to run, and never reads or writes anything.

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod caption;
mod compare;
mod difference;
mod dot;
mod layout;
mod mermaid;
mod model;
mod picture;
mod svg;
mod wire;

pub use caption::{collections, describe};
pub use compare::{Change, Comparison, ComponentChange, EdgeChange, compare};
pub use difference::{Difference, Takes, differences};
pub use dot::dot;
pub use mermaid::mermaid;
pub use model::Model;
pub use picture::Picture;
pub use svg::svg;
pub use wire::LabeledEdge;
