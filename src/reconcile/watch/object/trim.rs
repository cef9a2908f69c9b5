//! What the caches keep of an object.

use k8s_openapi::api::core::v1::{Container, Pod};

/// Keeps of a pod's specification what says where it runs, which images it has, on which ports it
/// serves and which claims it uses: the rest is that of its template.
pub(in crate::reconcile::watch) fn trim_pod(pod: &mut Pod) {
    let Some(spec) = &mut pod.spec else { return };
    // A claim that waits, or that was marked for deletion, is named with its pod.
    spec.volumes.iter_mut().for_each(|all| all.retain(|one| one.persistent_volume_claim.is_some()));
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
