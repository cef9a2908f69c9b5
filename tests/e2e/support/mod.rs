//! What the tests share: a model in a namespace of its own, requests to it, and waiting.

mod cluster;
mod diagnostics;
mod model;
mod pods;
mod redis;
mod traffic;
#[path = "../../shared/wait.rs"]
mod wait;

pub(crate) use model::{Model, run};
pub(crate) use traffic::Acknowledged;
pub(crate) use wait::{eventually, seconds};
