//! The configuration: from the file's text to what a role makes of it.

use super::Edge;
use maquette_contract::{
    ArchitectureName, ComponentConfig, ComponentName, MigrationObservation, Revision, Role,
    RoleConfig,
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
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no configuration.
    #[error("the configuration {path} is not valid: {source}", path = path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and field.
        source: serde_json::Error,
    },
    /// The file contradicts itself.
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
    /// What the document says.
    pub config: ComponentConfig,
    /// The name of its text.
    pub revision: Revision,
}

impl ConfigDocument {
    /// Reads the file.
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

/// What a role makes of its part of the configuration.
///
/// Built anew at each reload and dropped when the last request that began under it has ended, so
/// that connections and probes of targets that are gone close by themselves.
pub trait RoleSettings: Sized + Send + Sync + 'static {
    /// The role.
    const ROLE: Role;

    /// Finds what is wrong with a configuration beyond its form; it is then not used.
    ///
    /// # Errors
    /// A sentence that names the field and the mend.
    fn check(_role: &RoleConfig) -> Result<(), String> {
        Ok(())
    }

    /// Builds the settings; from `before` it takes over what goes on: connections, probes and
    /// counts of edges whose target is the same. None if the configuration is another role's.
    /// Called within the asynchronous runtime.
    fn build(role: RoleConfig, before: Option<&Self>) -> Option<Self>;

    /// The declared edges, as they are to be reported.
    fn edges(&self) -> Vec<Arc<Edge>>;

    /// How the copies from its origins do, for roles that have any.
    fn migration_sources(&self) -> Vec<MigrationObservation> {
        vec![]
    }
}

/// The configuration in force, or an older one that requests still run under.
#[derive(Debug)]
pub struct LoadedConfig<S> {
    /// The Architecture that the component belongs to.
    pub architecture: ArchitectureName,
    /// The component's own name.
    pub component: ComponentName,
    /// What the role makes of its part.
    pub settings: S,
    /// The name of the document's text.
    pub revision: Revision,
}

impl<S: RoleSettings> LoadedConfig<S> {
    /// Makes of the document what the role needs.
    ///
    /// # Errors
    /// If the document is about another role or component than `before`.
    pub(super) fn from_document(
        document: ConfigDocument,
        before: Option<&Self>,
    ) -> Result<Self, ConfigError> {
        let ConfigDocument { config, revision } = document;
        if let Some(before) = before.filter(|before| before.component != config.component) {
            return Err(ConfigError::ComponentChanged {
                from: before.component.clone(),
                to: config.component,
            });
        }
        let to = config.role();
        S::check(&config.role).map_err(ConfigError::Invalid)?;
        let settings = S::build(config.role, before.map(|before| &before.settings))
            .ok_or(ConfigError::RoleChanged { from: S::ROLE, to })?;
        Ok(Self {
            architecture: config.architecture,
            component: config.component,
            settings,
            revision,
        })
    }
}
