//! From the file's text to a role's settings.

use crate::runtime::Edge;
use maquette_contract::{
    ComponentConfig, ComponentIdentity, ComponentName, ConfigFormatError, MigrationObservation,
    Revision, Role, RoleConfig,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}", path = path.display())]
    Read {
        /// The path given by `--config`.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file's text is not a configuration of this version.
    #[error("the configuration {path} is not valid: {source}", path = path.display())]
    Parse {
        /// The path given by `--config`.
        path: PathBuf,
        /// The error, with line, column and field.
        source: ConfigFormatError,
    },
    /// The fields contradict each other.
    #[error("the configuration is not valid: {0}")]
    Invalid(String),
    /// A running process cannot become another role.
    #[error("the role cannot change from {from} to {to} while running: replace the pod")]
    RoleChanged {
        /// The role that runs.
        from: Role,
        /// The role that the document names.
        to: Role,
    },
    /// A running process cannot become another component.
    #[error("the component cannot change from {from} to {to} while running: replace the pod")]
    ComponentChanged {
        /// The component that runs.
        from: ComponentName,
        /// The component that the document names.
        to: ComponentName,
    },
}

/// A configuration that was read and parsed.
#[derive(Clone, Debug)]
pub struct ConfigDocument {
    /// The parsed content of the file.
    pub config: ComponentConfig,
    /// The hash of the text.
    pub revision: Revision,
}

impl ConfigDocument {
    /// Reads and parses the file.
    ///
    /// # Errors
    /// If it cannot be read or is not valid.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config = ComponentConfig::from_json(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source })?;
        Ok(Self { config, revision: ComponentConfig::revision_of(&text) })
    }
}

/// What a role builds from its part of the configuration: connections, edges, limits.
///
/// Built at each reload, and dropped when the last request that started under it has ended.
/// Dropping it closes the connections to targets that are no longer configured and stops their
/// probes.
pub trait RoleSettings: Sized + Send + Sync + 'static {
    /// The only role whose configuration [`RoleSettings::build`] accepts.
    const ROLE: Role;

    /// Checks what the types cannot express. A configuration that fails is not used.
    ///
    /// # Errors
    /// A sentence that names the field and the fix.
    fn check(_role: &RoleConfig) -> Result<(), String> {
        Ok(())
    }

    /// Builds the settings. Edges whose target is the same as in `before` keep their connections,
    /// probes and counts. None if the configuration is of another role. `own` is the component
    /// that the configuration is about. Needs a tokio runtime, on which probes are spawned.
    fn build(role: RoleConfig, own: &ComponentIdentity, before: Option<&Self>) -> Option<Self>;

    /// The declared edges, in the order in which `/observations` lists them.
    fn edges(&self) -> Vec<Arc<Edge>>;

    /// The progress of the migrations into this pod, for roles that have any.
    fn migration_sources(&self) -> Vec<MigrationObservation> {
        vec![]
    }
}

/// The configuration in force, or an older one that requests still run under.
#[derive(Debug)]
pub struct LoadedConfig<S> {
    /// The component's own name and its Architecture.
    pub identity: ComponentIdentity,
    /// The settings that the role built from its part.
    pub settings: S,
    /// The hash of the document's text.
    pub revision: Revision,
}

impl<S: RoleSettings> LoadedConfig<S> {
    /// Checks the document and builds the role's settings.
    ///
    /// # Errors
    /// If the document is about another role or component than `before`.
    pub(super) fn from_document(
        document: ConfigDocument,
        before: Option<&Self>,
    ) -> Result<Self, ConfigError> {
        let ConfigDocument { config, revision } = document;
        let to = config.role();
        let identity = match before {
            Some(before) => config.identity().replacing(&before.identity),
            None => config.identity(),
        };
        if let Some(before) = before.filter(|before| *before.component() != identity.component) {
            return Err(ConfigError::ComponentChanged {
                from: before.component().clone(),
                to: identity.component,
            });
        }
        S::check(&config.role).map_err(ConfigError::Invalid)?;
        let settings = S::build(config.role, &identity, before.map(|before| &before.settings))
            .ok_or(ConfigError::RoleChanged { from: S::ROLE, to })?;
        Ok(Self { identity, settings, revision })
    }
}

impl<S> LoadedConfig<S> {
    /// The component's own name.
    pub fn component(&self) -> &ComponentName {
        &self.identity.component
    }
}
