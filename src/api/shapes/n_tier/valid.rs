//! The n-tier shape, parsed.

use maquette_contract::{self as contract, Collection, ComponentName, Percent};
use std::fmt;

use super::{Call, NTier, Service, WILDCARD, check, rules};
use crate::api::fields::{DataStore, ValidComponent, ValidStore};
use crate::api::validation::{ErrorList, FieldPath, bounds, component_name};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidNTier {
    pub(crate) client: ValidComponent,
    /// The service that the client calls: one of `services`. None: the only one that no other calls.
    pub(crate) entry: Option<ComponentName>,
    /// As in the spec; their order means nothing.
    pub(crate) services: Vec<ValidService>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValidService {
    pub(crate) name: ComponentName,
    pub(crate) component: ValidComponent,
    pub(crate) mode: contract::CallMode,
    /// In the order of the names.
    pub(crate) calls: Vec<(ComponentName, Percent)>,
    /// None: the service is stateless.
    pub(crate) owned_data: Option<OwnedData>,
}

/// The collections of a service, and their store.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnedData {
    pub(crate) owns: Vec<Ownership>,
    pub(crate) store: ComponentName,
    pub(crate) store_settings: ValidStore,
}

/// An entry of `owns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    Collection(Collection),
    /// Every collection that no other service owns.
    Rest,
}

impl Ownership {
    fn parse(text: &str) -> Option<Self> {
        match text {
            WILDCARD => Some(Self::Rest),
            name => name.parse().ok().map(Self::Collection),
        }
    }
}

impl fmt::Display for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collection(collection) => collection.fmt(f),
            Self::Rest => f.write_str(WILDCARD),
        }
    }
}

impl NTier {
    pub(crate) fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ValidNTier> {
        let client = self.client.validate(&path.field("client"), errors);
        let list = path.field("services");
        // Validates each service before `?` stops at the first invalid one.
        let services: Vec<_> = self
            .services
            .iter()
            .enumerate()
            .map(|(index, service)| service.validate(&list.index(index), errors))
            .collect();
        check::check_services(&self.services, &list, errors);
        check::check_entry(self, path, errors);
        Some(ValidNTier {
            client: client?,
            entry: self.entry.as_ref().and_then(|name| name.parse().ok()),
            services: services.into_iter().collect::<Option<_>>()?,
        })
    }
}

impl Service {
    /// The name of its store; meaningless if the service is stateless.
    pub(crate) fn store_name(&self) -> String {
        let explicit = self.store.as_ref().and_then(|store| store.name.clone());
        explicit.unwrap_or_else(|| format!("{}-data", self.name))
    }

    /// `owns` or its default; meaningless if the service is stateless.
    pub(super) fn owned_collections(&self) -> Vec<String> {
        self.owns.clone().unwrap_or_else(|| vec![self.name.clone()])
    }

    fn validate(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<ValidService> {
        let max = component_name::MAX_LENGTH;
        let name = component_name::validate(&self.name, max, &path.field("name"), errors);
        let component = self.settings.validate(path, errors);
        check::check_service(self, path, errors);
        let list = path.field("calls");
        let calls: Vec<_> = self
            .calls
            .iter()
            .enumerate()
            .map(|(index, call)| call.validate(&list.index(index), errors))
            .collect();
        let mut valid_calls = calls.into_iter().collect::<Option<Vec<_>>>();
        if let Some(sorted) = &mut valid_calls {
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        let owned_data = match self.stateless {
            true => Some(None),
            false => self.validate_owned_data(path, errors).map(Some),
        };
        Some(ValidService {
            name: name?,
            component: component?,
            mode: self.mode.into(),
            calls: valid_calls?,
            owned_data: owned_data?,
        })
    }

    fn validate_owned_data(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<OwnedData> {
        let owns = self.validate_owns(&path.field("owns"), errors);
        let store_path = path.field("store");
        if let Some(name) = self.store.as_ref().and_then(|store| store.name.as_ref()) {
            component_name::validate(name, ComponentName::MAX, &store_path.field("name"), errors);
        }
        let store = self.store.clone().unwrap_or_default();
        let settings = DataStore { storage: store.storage, resources: store.resources };
        let store_settings = settings.validate(&store_path, errors);
        // A default name is invalid only if the name of the service is, which is reported there.
        let store_name = self.store_name().parse().ok();
        Some(OwnedData { owns: owns?, store: store_name?, store_settings: store_settings? })
    }

    fn validate_owns(&self, path: &FieldPath, errors: &mut ErrorList) -> Option<Vec<Ownership>> {
        let collections = self.owned_collections();
        let invalid = collections.iter().find(|text| Ownership::parse(text).is_none());
        if let (Some(invalid), Some(_)) = (invalid, &self.owns) {
            rules::collection_syntax().report(path, &[invalid], errors);
        }
        collections.iter().map(|text| Ownership::parse(text)).collect()
    }
}

impl Call {
    fn validate(
        &self,
        path: &FieldPath,
        errors: &mut ErrorList,
    ) -> Option<(ComponentName, Percent)> {
        // An invalid name is not in the list of services either: `check_services` reports it.
        let name = self.service.parse().ok();
        let percent_path = path.field("probabilityPercent");
        let percent = bounds::check_percent(self.probability_percent, &percent_path, errors);
        Some((name?, percent?))
    }
}
