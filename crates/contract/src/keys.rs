//! Label and annotation keys, and the fixed values of labels.

/// The API group of the custom resource, and the domain of our own labels and annotations.
pub const GROUP: &str = "maquette.dev";
/// The field manager of the operator's server-side applies.
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
/// The name of the Architecture; part of every selector.
pub const LABEL_ARCHITECTURE: &str = "maquette.dev/architecture";
/// The name of the component; part of every selector.
pub const LABEL_COMPONENT: &str = "maquette.dev/component";
/// [`crate::Role::as_str`] of the component; part of every selector.
pub const LABEL_ROLE: &str = "maquette.dev/role";
/// The value of [`LABEL_MANAGED_BY`].
pub const MANAGER: &str = "maquette";

/// The hash of the object that was applied last. If the hash of the desired object differs, the
/// operator applies it again.
pub const ANNOTATION_APPLIED_HASH: &str = "maquette.dev/applied-hash";
/// On a Deployment or StatefulSet: the hash of the pod template that was applied last. On a canary
/// pod: the hash of the template that it proves.
pub const ANNOTATION_TEMPLATE_HASH: &str = "maquette.dev/template-hash";
/// On a pod: the revision of the configuration that it should load. A change of the annotation
/// makes the kubelet refresh the mounted ConfigMap at once.
pub const ANNOTATION_CONFIG_REVISION: &str = "maquette.dev/config-revision";
/// On the StatefulSet of peers: they began with other members. Their configuration says so too; the
/// annotation outlives it.
pub const ANNOTATION_MEMBERS_CHANGED: &str = "maquette.dev/members-changed";
/// On a volume claim: the UID of the Architecture that used it last. An Architecture never deletes
/// a claim that only an earlier Architecture of the same name has used.
pub const ANNOTATION_USED_BY: &str = "maquette.dev/used-by";

/// On an Architecture, set by users: the installation of the operator that builds it, as the namespace
/// and name of its Lease. It decides where several installations watch the same namespace.
pub const ANNOTATION_OPERATOR: &str = "maquette.dev/operator";

/// The key in the ConfigMap of a component, and the name of the mounted file.
pub const CONFIG_FILE: &str = "component.json";
/// The mount path of the ConfigMap.
pub const CONFIG_DIR: &str = "/etc/maquette";
/// The mount path of the volume of a store or peer.
pub const DATA_DIR: &str = "/data";
/// The name of the volume claim template. Claims have the names
/// `data-<architecture>-<component>-<ordinal>`.
pub const CLAIM: &str = "data";
/// The end of the name of a canary pod; the beginning is the name of the Deployment or StatefulSet.
pub const CANARY_SUFFIX: &str = "-canary";
/// The environment variable that holds the name of the pod.
pub const ENV_POD_NAME: &str = "POD_NAME";

/// The header of a request from component to component: its [`crate::Recipient`]. A request without
/// it is a user's, or of an earlier version.
pub const HEADER_RECIPIENT: &str = "maquette-to";
/// The header of an answer with the name of the pod that answers: behind the address of a Service,
/// only the answer tells which pod a connection leads to.
pub const HEADER_POD: &str = "maquette-pod";
/// The header of a read by which a load waits for its first answer, and of the requests that
/// components send to answer it. A failure of such a request is not counted as traffic: the load
/// has no users yet. The load's later requests, and users' requests, do not have it.
pub const HEADER_WAITING_READ: &str = "maquette-waiting-read";
/// The header of a request from component to component: its [`crate::RequestId`], drawn by the pod
/// that the user's request reached, or by the load.
pub const HEADER_REQUEST_ID: &str = "maquette-request-id";
/// The header of a write that was sent before, with the same [`crate::RequestId`] and an outcome
/// that the sender does not know: the first attempt may still be under way.
pub const HEADER_REPEATED: &str = "maquette-repeated";
/// The command by which a client of a store names its [`crate::Recipient`], the only argument. The
/// store closes a connection that is meant for another.
pub const COMMAND_RECIPIENT: &str = "MAQUETTE.TO";
/// The first word of the error with which a store refuses a connection that is meant for another.
pub const ERROR_MISDIRECTED: &str = "MISDIRECTED";
