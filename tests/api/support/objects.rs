//! The kinds of an Architecture's children, as untyped objects.

use super::TestNamespace;
use kube::{Api, api::DynamicObject, core::GroupVersionKind, discovery::ApiResource};

/// An object of any kind.
pub(crate) type AnyObject = DynamicObject;

/// Group, version, kind and plural of every kind of child.
pub(crate) const CHILD_KINDS: [(&str, &str, &str); 6] = [
    ("", "v1", "ServiceAccount"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "Service"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("policy", "v1", "PodDisruptionBudget"),
];

/// Group, version and kind of an Architecture.
pub(crate) const ARCHITECTURE: (&str, &str, &str) = ("maquette.dev", "v1alpha1", "Architecture");

/// The API of the kind of a child, such as `Deployment shop-web`, and its name.
pub(crate) fn api_of_child<'a>(
    namespace: &TestNamespace,
    child: &'a str,
) -> (Api<AnyObject>, &'a str) {
    let (kind, name) = child.split_once(' ').expect("a kind and a name");
    let kind = CHILD_KINDS.into_iter().find(|known| known.2 == kind).expect("a known kind");
    (api_of(namespace, kind), name)
}

/// The objects of a kind in a namespace.
pub(crate) fn api_of(namespace: &TestNamespace, kind: (&str, &str, &str)) -> Api<AnyObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(kind.0, kind.1, kind.2));
    Api::namespaced_with(namespace.client.clone(), &namespace.name, &resource)
}
