//! Shared by the tests: a model in a namespace of its own, requests to it, and waiting.

mod cluster;
mod diagnostics;
mod external_client;
mod model;
mod operator;
mod pods;
mod redis;
mod traffic;
#[path = "../../shared/wait.rs"]
mod wait;

pub(crate) use external_client::ExternalClient;
pub(crate) use model::{Model, run};
pub(crate) use operator::kill as kill_operator;
pub(crate) use traffic::Acknowledged;
pub(crate) use wait::{eventually, seconds};
