//! Rules on the names of all components together: a name has the same role in every shape, and no
//! object name is longer than 52 characters.

use maquette_contract::ArchitectureName;

use super::reserved_names;
use crate::api::shape::Shape;
use crate::api::shapes::{Client, NTier, Service};
use crate::api::validation::{CelRule, ErrorList, FieldPath, component_name, to_json};

/// In CEL: the n-tier shape has a store of the name of client `c`.
const IS_STORE: &str = "(has(self.nTier) ? self.nTier.services.exists(s, \
                        (!has(s.stateless) || !s.stateless) && (has(s.store) \
                        && has(s.store.name) ? c.name == s.store.name \
                        : c.name == s.name + '-data')) : c.name == 'orders-data')";

// In CEL: `<architecture>-<component>` is longer than 52 characters.
const CLIENT_IS_TOO_LONG: &str = "size(self.metadata.name) + size(c.name) > 51";
const SERVICE_IS_TOO_LONG: &str = "size(self.metadata.name) + size(s.name) > 51";
const STORE_IS_TOO_LONG: &str = "(!has(s.stateless) || !s.stateless) \
                                 && (has(s.store) && has(s.store.name) \
                                 ? size(self.metadata.name) + size(s.store.name) \
                                 : size(self.metadata.name) + size(s.name) + 5) > 51";

/// A rule that fails if `is_bad`, in CEL, is true of an item of `list`, which is a member of
/// `member`. The message gets the name of the first such item, `item` in `is_bad`.
fn no_item(member: &str, list: &str, item: &str, is_bad: &str, message: &'static str) -> CelRule {
    CelRule::new(format!("!has(self.{member}) || !self.{list}.exists({item}, {is_bad})"), message)
        .with_arguments([format!("self.{list}.transformList(i, {item}, {is_bad}, {item}.name)[0]")])
        .at_field(list)
}

/// On the spec. It holds for shapes that are not served too: `spec.shape` may change at any time,
/// and the role of a component cannot.
pub(super) fn client_is_store() -> CelRule {
    no_item(
        "clientServer",
        "clientServer.clients",
        "c",
        IS_STORE,
        "'{}' is the name of a client and of a store of the n-tier shape: rename one of them",
    )
}

fn client_too_long() -> CelRule {
    no_item(
        "spec.clientServer",
        "spec.clientServer.clients",
        "c",
        CLIENT_IS_TOO_LONG,
        "the object name '<architecture>-{}' would be longer than 52 characters: shorten the name \
         of the Architecture or of the client",
    )
}

fn service_too_long() -> CelRule {
    no_item(
        "spec.nTier",
        "spec.nTier.services",
        "s",
        SERVICE_IS_TOO_LONG,
        "the object name '<architecture>-{}' would be longer than 52 characters: shorten the name \
         of the Architecture or of the service",
    )
}

fn store_too_long() -> CelRule {
    no_item(
        "spec.nTier",
        "spec.nTier.services",
        "s",
        STORE_IS_TOO_LONG,
        "the object name '<architecture>-<store>' of service '{}' would be longer than 52 \
         characters: shorten the name of the Architecture or of the store",
    )
}

/// The bounds follow from the longest names that the user does not choose: `client`, `business` and
/// `orders-data`.
fn architecture_too_long() -> CelRule {
    CelRule::new(
        "size(self.metadata.name) <= (self.spec.shape == 'ThreeTier' ? 43 \
         : self.spec.shape == 'NTier' && !has(self.spec.nTier) ? 40 : 45)",
        "the object names '<architecture>-<component>' would be longer than 52 characters: shorten \
         the name of the Architecture",
    )
    .at_field("metadata.name")
}

/// Rules on the whole resource: only they see `metadata.name`.
pub(crate) fn root_rules() -> [CelRule; 4] {
    [architecture_too_long(), client_too_long(), service_too_long(), store_too_long()]
}

/// The names of an Architecture: its own, and what its components' names follow from.
pub(super) struct Names<'a> {
    pub(super) architecture: &'a str,
    pub(super) shape: Shape,
    pub(super) clients: &'a [Client],
    pub(super) n_tier: Option<&'a NTier>,
}

impl Names<'_> {
    /// Checks the rules of this module, in Rust.
    pub(super) fn check(&self, errors: &mut ErrorList) {
        self.check_architecture(errors);
        let root = FieldPath::root();
        if let Some(client) = self.clients.iter().find(|client| self.is_store(client)) {
            client_is_store().report(&root.field("spec"), &[&client.name], errors);
        }
        if let Some(client) = self.clients.iter().find(|client| self.is_too_long(&client.name)) {
            client_too_long().report(&root, &[&client.name], errors);
        }
        let services = self.n_tier.map_or(&[][..], |shape| &shape.services);
        if let Some(service) = services.iter().find(|service| self.is_too_long(&service.name)) {
            service_too_long().report(&root, &[&service.name], errors);
        }
        let store = stateful_services(services).find(|s| self.is_too_long(&s.store_name()));
        if let Some(service) = store {
            store_too_long().report(&root, &[&service.name], errors);
        }
    }

    fn check_architecture(&self, errors: &mut ErrorList) {
        let most = match self.shape {
            Shape::ThreeTier => 43,
            Shape::NTier if self.n_tier.is_none() => 40,
            _ => 45,
        };
        let name = self.architecture;
        if name.parse::<ArchitectureName>().is_err() && name.len() <= ArchitectureName::MAX {
            let path = FieldPath::root().field("metadata").field("name");
            component_name::syntax_rule().report_value(&path, to_json(&name), &[name], errors);
        }
        reserved_names::check(name, errors);
        if name.len() > most {
            architecture_too_long().report(&FieldPath::root(), &[], errors);
        }
    }

    fn is_too_long(&self, component: &str) -> bool {
        self.architecture.len() + 1 + component.len() > ArchitectureName::MAX_OBJECT_NAME
    }

    fn is_store(&self, client: &Client) -> bool {
        match self.n_tier {
            None => client.name == "orders-data",
            Some(n_tier) => {
                stateful_services(&n_tier.services).any(|s| s.store_name() == client.name)
            }
        }
    }
}

fn stateful_services(services: &[Service]) -> impl Iterator<Item = &Service> {
    services.iter().filter(|service| !service.stateless)
}
