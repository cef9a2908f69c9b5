//! Properties of everything that is rendered.

#![cfg(test)]

#[path = "../shared/specs.rs"]
mod specs;

mod config;
mod drift;
mod labels;
mod models;
mod names;
mod pods;
mod view;
