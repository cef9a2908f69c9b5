//! What the caches keep of an object.

use k8s_openapi::api::core::v1::{Container, Pod};

/// Keeps of a pod's specification what says where it runs, which images it has and on
/// which ports it serves: the rest is that
/// of its template.
pub(super) fn trim_pod(pod: &mut Pod) {
    let Some(spec) = &mut pod.spec else { return };
    spec.volumes = None;
    spec.affinity = None;
    spec.security_context = None;
    let init_containers = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init_containers) {
        *container = Container {
            name: std::mem::take(&mut container.name),
            image: container.image.take(),
            resources: container.resources.take(),
            // The entry Service leads to a port by its name.
            ports: container.ports.take(),
            ..Container::default()
        };
    }
}
