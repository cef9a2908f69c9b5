//! A model as a graph for people: in words, compared with another model, and drawn.
//!
//! Owns the descriptions of components and edges, the differences of two models, and their pictures
//! in Mermaid, DOT and SVG. It never decides what runs, and never does I/O.
//!
//! The steps of a picture: [`Model`] -> [`compare_models`] -> [`Picture`] -> [`mermaid`], [`dot`]
//! or [`svg`].

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod caption;
mod collections;
mod compare;
mod difference;
mod dot;
mod labeled_edge;
mod layout;
mod mermaid;
mod model;
mod picture;
mod svg;

pub use caption::describe_component;
pub use collections::collections_text;
pub use compare::{Change, Comparison, ComponentChange, EdgeChange, compare_models};
pub use difference::{Difference, Disruption, component_differences};
pub use dot::dot;
pub use labeled_edge::LabeledEdge;
pub use mermaid::mermaid;
pub use model::Model;
pub use picture::Picture;
pub use svg::svg;
