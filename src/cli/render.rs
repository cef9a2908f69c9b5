//! `maquette render`: prints the objects that Architectures become.

use super::{
    Outcome,
    input::{self, Place},
    output,
};
use crate::{
    api::{Architecture, Problems},
    plan::{self, Identity, Topology},
    render::{RenderSettings, render},
};
use maquette_contract::NameError;
use std::path::PathBuf;

/// What to render.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file with the Architectures, YAML or JSON, one document or several; `-` reads the
    /// standard input.
    #[arg(short, long, value_name = "FILE")]
    filename: PathBuf,
    /// The namespace of Architectures that name none.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The workload's image, for Architectures that name none.
    #[arg(long, default_value_t = RenderSettings::default().image)]
    image: String,
}

/// Why an Architecture cannot be rendered.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// It has no name.
    #[error("{0}: metadata.name is missing: give the Architecture a name")]
    NoName(Place),
    /// Its name cannot be a part of its objects' names.
    #[error("{place}: metadata.name")]
    Name {
        /// Where.
        place: Place,
        /// What is wrong with it.
        source: NameError,
    },
    /// Its spec is not valid.
    #[error("{place}: Architecture {name} is not valid:\n{}", lines(problems))]
    Invalid {
        /// Where.
        place: Place,
        /// Which one.
        name: String,
        /// All that is wrong with it.
        problems: Problems,
    },
}

fn lines(problems: &Problems) -> String {
    let lines: Vec<_> = problems.iter().map(|problem| format!("  {problem}")).collect();
    lines.join("\n")
}

/// Prints the objects as YAML documents, in the order in which they can be applied.
///
/// # Errors
/// When a file cannot be read, is not an Architecture, or is one that cannot be planned.
pub(super) fn run(args: &Args) -> Outcome {
    let settings = RenderSettings { image: args.image.clone() };
    let mut documents = vec![];
    for document in input::documents(&args.filename)? {
        let architecture = document.architecture()?;
        let topology = topology(&document.place, &architecture, &args.namespace)?;
        documents.extend(render(&topology, &settings).objects().to_values());
    }
    output::documents(&documents)
}

fn topology(
    place: &Place,
    architecture: &Architecture,
    namespace: &str,
) -> Result<Topology, Error> {
    let meta = &architecture.metadata;
    let name = meta.name.clone().ok_or_else(|| Error::NoName(place.clone()))?;
    let invalid = |problems| Error::Invalid { place: place.clone(), name: name.clone(), problems };
    let spec = architecture.spec.validate(&name).map_err(invalid)?;
    let identity = Identity {
        name: name.parse().map_err(|source| Error::Name { place: place.clone(), source })?,
        namespace: meta.namespace.clone().unwrap_or_else(|| namespace.to_owned()),
        // There is no cluster that could have given one, hence nothing to own the objects.
        uid: String::new(),
    };
    plan::plan(&spec, identity).map_err(invalid)
}
