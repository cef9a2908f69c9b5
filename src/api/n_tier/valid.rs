//! The services, parsed.

use maquette_contract::{self as contract, Collection, ComponentName, Percent};
use std::fmt;

use super::{Call, NTier, REST, Service, check, rules};
use crate::api::component::ValidComponent;
use crate::api::error_list::{At, Findings};
use crate::api::name;
use crate::api::non_empty::Several;
use crate::api::storage::{DataStore, ValidStore};

/// Validated [`NTier`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidNTier {
    pub(crate) client: ValidComponent,
    /// The client calls the first; calls go down the list only.
    pub(crate) services: Several<ValidService>,
}

/// Validated [`Service`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidService {
    pub(crate) name: ComponentName,
    pub(crate) component: ValidComponent,
    pub(crate) mode: contract::CallMode,
    pub(crate) calls: Vec<(ComponentName, Percent)>,
    /// What it keeps; none if it is stateless.
    pub(crate) owned_data: Option<OwnedData>,
}

/// The information that a service keeps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnedData {
    pub(crate) owns: Vec<Ownership>,
    pub(crate) store: ComponentName,
    pub(crate) store_settings: ValidStore,
}

/// What a service owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// One collection.
    Collection(Collection),
    /// Every collection that no other service owns.
    Rest,
}

impl fmt::Display for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collection(collection) => collection.fmt(f),
            Self::Rest => f.write_str(REST),
        }
    }
}

impl NTier {
    pub(crate) fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidNTier> {
        let client = self.client.validate(&at.field("client"), findings);
        let list = at.field("services");
        let services: Vec<_> = self
            .services
            .iter()
            .enumerate()
            .map(|(index, service)| service.validate(&list.index(index), findings))
            .collect();
        check::check_services(&self.services, &list, findings);
        let services = services.into_iter().collect::<Option<_>>()?;
        Some(ValidNTier { client: client?, services: Several::new(services)? })
    }
}

impl Service {
    /// The name of its store, if it has one.
    pub(crate) fn store_name(&self) -> String {
        let said = self.store.as_ref().and_then(|store| store.name.clone());
        said.unwrap_or_else(|| format!("{}-data", self.name))
    }

    /// What it owns, if it has a store.
    pub(super) fn owned_collections(&self) -> Vec<String> {
        self.owns.clone().unwrap_or_else(|| vec![self.name.clone()])
    }

    fn validate(&self, at: &At, findings: &mut Findings) -> Option<ValidService> {
        let name = name::validate(&self.name, name::MAX_LENGTH, &at.field("name"), findings);
        let component = self.settings.validate(at, findings);
        check::check_service(self, at, findings);
        let list = at.field("calls");
        let calls: Vec<_> = self
            .calls
            .iter()
            .enumerate()
            .map(|(index, call)| call.validate(&list.index(index), findings))
            .collect();
        let keeps = match self.stateless {
            true => Some(None),
            false => self.validate_owned_data(at, findings).map(Some),
        };
        Some(ValidService {
            name: name?,
            component: component?,
            mode: self.mode.into(),
            calls: calls.into_iter().collect::<Option<_>>()?,
            owned_data: keeps?,
        })
    }

    fn validate_owned_data(&self, at: &At, findings: &mut Findings) -> Option<OwnedData> {
        let owns = self.validate_owns(&at.field("owns"), findings);
        let at = at.field("store");
        let named = self.store.as_ref().and_then(|store| store.name.as_ref());
        if let Some(name) = named {
            name::validate(name, ComponentName::MAX, &at.field("name"), findings);
        }
        let store = self.store.clone().unwrap_or_default();
        let settings = DataStore { storage: store.storage, resources: store.resources };
        let settings = settings.validate(&at, findings);
        // A name that is made of the service's own is as good as that, which is checked.
        let store = self.store_name().parse().ok();
        Some(OwnedData { owns: owns?, store: store?, store_settings: settings? })
    }

    fn validate_owns(&self, at: &At, findings: &mut Findings) -> Option<Vec<Ownership>> {
        let parse = |text: &String| match text.as_str() {
            REST => Some(Ownership::Rest),
            collection => collection.parse().ok().map(Ownership::Collection),
        };
        let collections = self.owned_collections();
        let bad = collections.iter().find(|text| parse(text).is_none());
        if let (Some(bad), Some(_)) = (bad, &self.owns) {
            rules::KIND.broken(at, &[bad], findings);
        }
        collections.iter().map(parse).collect()
    }
}

impl Call {
    fn validate(&self, at: &At, findings: &mut Findings) -> Option<(ComponentName, Percent)> {
        // A name that is none is not listed either, which is said of the list.
        let name = self.service.parse().ok();
        let at = at.field("probabilityPercent");
        Some((name?, name::validate_percent(self.probability_percent, &at, findings)?))
    }
}
