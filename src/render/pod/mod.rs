//! Pods: the template, its container and volumes, and the security context.
//!
//! A template holds nothing of a component's configuration: only the image, resources, volumes and
//! pod settings restart a pod.

mod container;
pub mod security;
mod template;
mod volumes;

pub(super) use template::pod_template;
