//! The restricted Pod Security Standard, in full. The operator's own pod uses it too.

use k8s_openapi::api::core::v1::{
    Capabilities, PodSecurityContext, SeccompProfile, SecurityContext,
};
/// The user and group of every process: an ID without an account in the image.
const NONROOT_ID: i64 = 65532;

/// The security context of a pod. Where it has a `volume`, the group owns it; files are changed
/// only if the root folder has another owner, so a large volume does not slow each start.
pub fn pod_context(volume: bool) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(NONROOT_ID),
        run_as_group: Some(NONROOT_ID),
        fs_group: volume.then_some(NONROOT_ID),
        fs_group_change_policy: volume.then(|| "OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

/// The security context of the pod's container.
pub fn container_context() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
        ..SecurityContext::default()
    }
}
