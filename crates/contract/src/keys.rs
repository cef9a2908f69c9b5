//! Label and annotation keys, and the fixed values of labels.

/// The API group of the custom resource, and the domain of our own keys.
pub const GROUP: &str = "maquette.dev";
/// The field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "maquette";

/// Recommended label: the name of the component.
pub const LABEL_NAME: &str = "app.kubernetes.io/name";
/// Recommended label: the name of the Architecture.
pub const LABEL_INSTANCE: &str = "app.kubernetes.io/instance";
/// Recommended label: the role of the component.
pub const LABEL_APP_COMPONENT: &str = "app.kubernetes.io/component";
/// Recommended label: the name of the Architecture.
pub const LABEL_PART_OF: &str = "app.kubernetes.io/part-of";
/// Recommended label: always [`MANAGER`].
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The Architecture that an object belongs to; in every selector.
pub const LABEL_ARCHITECTURE: &str = "maquette.dev/architecture";
/// The component that an object belongs to; in every selector.
pub const LABEL_COMPONENT: &str = "maquette.dev/component";
/// The component's role, as [`crate::Role::as_str`] gives it; in every selector.
pub const LABEL_ROLE: &str = "maquette.dev/role";
/// The value of [`LABEL_MANAGED_BY`].
pub const MANAGER: &str = "maquette";

/// Hash of the object as it was last applied: a difference means that something is to be written.
pub const ANNOTATION_APPLIED_HASH: &str = "maquette.dev/applied-hash";
/// On a pod: the configuration revision that it should have loaded. Writing it makes the kubelet
/// refresh the mounted ConfigMap at once.
pub const ANNOTATION_CONFIG_REVISION: &str = "maquette.dev/config-revision";

/// On a volume claim: the UID of the Architecture that used it last. What an earlier Architecture of
/// the same name left behind is not deleted before it was used again.
pub const ANNOTATION_USED_BY: &str = "maquette.dev/used-by";

/// The key in a component's ConfigMap, and the file's name where it is mounted.
pub const CONFIG_FILE: &str = "component.json";
/// Where the ConfigMap is mounted in a pod.
pub const CONFIG_DIR: &str = "/etc/maquette";
/// Where a store's or peer's volume is mounted in a pod.
pub const DATA_DIR: &str = "/data";
/// The name of the volume claim template; claims are called `data-<architecture>-<component>-<ordinal>`.
pub const CLAIM: &str = "data";
/// The environment variable that tells a pod its own name.
pub const ENV_POD_NAME: &str = "POD_NAME";
