//! The names of all components together: none has two roles, and none is too long for its objects.

use maquette_contract::ArchitectureName;

use super::client_server::Client;
use super::error_list::{At, Findings, to_json};
use super::n_tier::NTier;
use super::name::NAME;
use super::rule::Rule;
use super::spec::{ArchitectureSpec, Shape};

/// Client `c` is named as a store of the n-tier is.
macro_rules! is_store {
    () => {
        "(has(self.nTier) ? self.nTier.services.exists(s, !s.stateless && (has(s.store) \
         && has(s.store.name) ? c.name == s.store.name : c.name == s.name + '-data')) \
         : c.name == 'orders-data')"
    };
}

/// On the spec: another shape may be asked for at any time, and then a component cannot change its role.
pub(crate) const CLIENT_IS_STORE: Rule = Rule {
    cel: concat!(
        "!has(self.clientServer) || !self.clientServer.clients.exists(c, ",
        is_store!(),
        ")"
    ),
    message: "'{}' is the name of a client and of a store of the n-tier shape: choose another for \
              one of them",
    values: &[concat!(
        "self.clientServer.clients.transformList(i, c, ",
        is_store!(),
        ", c.name)[0]"
    )],
    blame: "clientServer.clients",
};

macro_rules! client_too_long {
    () => {
        "size(self.metadata.name) + size(c.name) > 51"
    };
}
macro_rules! service_too_long {
    () => {
        "size(self.metadata.name) + size(s.name) > 51"
    };
}
macro_rules! store_too_long {
    () => {
        "!s.stateless && (has(s.store) && has(s.store.name) \
         ? size(self.metadata.name) + size(s.store.name) \
         : size(self.metadata.name) + size(s.name) + 5) > 51"
    };
}

const CLIENT_TOO_LONG: Rule = Rule {
    cel: concat!(
        "!has(self.spec.clientServer) || !self.spec.clientServer.clients.exists(c, ",
        client_too_long!(),
        ")"
    ),
    message: "the name of client '{}' behind that of the Architecture has more than 52 characters, \
              which is too long for its objects: shorten one of them",
    values: &[concat!(
        "self.spec.clientServer.clients.transformList(i, c, ",
        client_too_long!(),
        ", c.name)[0]"
    )],
    blame: "spec.clientServer.clients",
};
const SERVICE_TOO_LONG: Rule = Rule {
    cel: concat!(
        "!has(self.spec.nTier) || !self.spec.nTier.services.exists(s, ",
        service_too_long!(),
        ")"
    ),
    message: "the name of service '{}' behind that of the Architecture has more than 52 \
              characters, which is too long for its objects: shorten one of them",
    values: &[concat!(
        "self.spec.nTier.services.transformList(i, s, ",
        service_too_long!(),
        ", s.name)[0]"
    )],
    blame: "spec.nTier.services",
};
const STORE_TOO_LONG: Rule = Rule {
    cel: concat!(
        "!has(self.spec.nTier) || !self.spec.nTier.services.exists(s, ",
        store_too_long!(),
        ")"
    ),
    message: "the name of the store of service '{}' behind that of the Architecture has more than \
              52 characters, which is too long for its objects: shorten one of them",
    values: &[concat!(
        "self.spec.nTier.services.transformList(i, s, ",
        store_too_long!(),
        ", s.name)[0]"
    )],
    blame: "spec.nTier.services",
};
/// The longest names of components that users do not name: `client`, `business` and `orders-data`.
const TOO_LONG: Rule = Rule {
    cel: "size(self.metadata.name) <= (self.spec.shape == 'ThreeTier' ? 43 \
          : self.spec.shape == 'NTier' && !has(self.spec.nTier) ? 40 : 45)",
    message: "the names of components behind that of the Architecture would have more than 52 \
              characters, which is too long for their objects: shorten the name of the \
              Architecture",
    values: &[],
    blame: "metadata.name",
};

/// Rules on the whole resource.
pub(crate) const ROOT: [Rule; 4] = [TOO_LONG, CLIENT_TOO_LONG, SERVICE_TOO_LONG, STORE_TOO_LONG];

/// Checks the names in `spec`, the spec of the Architecture called `name`.
pub(crate) fn check_names(spec: &ArchitectureSpec, name: &str, findings: &mut Findings) {
    check_architecture_name(spec, name, findings);
    let clients = spec.client_server.as_ref().map_or(&[][..], |shape| &shape.clients);
    let services = spec.n_tier.as_ref().map_or(&[][..], |shape| &shape.services);
    if let Some(client) = clients.iter().find(|client| is_store(client, spec.n_tier.as_ref())) {
        CLIENT_IS_STORE.broken(&At::root().field("spec"), &[&client.name], findings);
    }
    let too_long =
        |component: &str| name.len() + 1 + component.len() > ArchitectureName::MAX_OBJECT_NAME;
    if let Some(client) = clients.iter().find(|client| too_long(&client.name)) {
        CLIENT_TOO_LONG.broken(&At::root(), &[&client.name], findings);
    }
    if let Some(service) = services.iter().find(|service| too_long(&service.name)) {
        SERVICE_TOO_LONG.broken(&At::root(), &[&service.name], findings);
    }
    let mut keepers = services.iter().filter(|service| !service.stateless);
    if let Some(service) = keepers.find(|service| too_long(&service.store_name())) {
        STORE_TOO_LONG.broken(&At::root(), &[&service.name], findings);
    }
}

fn check_architecture_name(spec: &ArchitectureSpec, name: &str, findings: &mut Findings) {
    let most = match spec.shape {
        Shape::ThreeTier => 43,
        Shape::NTier if spec.n_tier.is_none() => 40,
        _ => 45,
    };
    if name.parse::<ArchitectureName>().is_err() && name.len() <= ArchitectureName::MAX {
        NAME.broken_by(
            &At::root().field("metadata").field("name"),
            to_json(&name),
            &[name],
            findings,
        );
    }
    if name.len() > most {
        TOO_LONG.broken(&At::root(), &[], findings);
    }
}

fn is_store(client: &Client, n_tier: Option<&NTier>) -> bool {
    match n_tier {
        None => client.name == "orders-data",
        Some(shape) => {
            let mut keepers = shape.services.iter().filter(|service| !service.stateless);
            keepers.any(|service| service.store_name() == client.name)
        }
    }
}
