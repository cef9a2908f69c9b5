//! `maquette render`: prints the objects that the operator creates for Architectures.

use super::{
    CommandResult,
    checked::{self, CheckedArchitecture},
    output,
};
use crate::render::{RenderSettings, render};
use anyhow::ensure;
use std::path::PathBuf;

/// Which Architectures to render, and with what defaults.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file with the Architectures, YAML or JSON, one document or several; `-` reads the
    /// standard input. Objects of other kinds are skipped.
    #[arg(short, long, value_name = "FILE")]
    filename: PathBuf,
    /// The namespace of Architectures that name none.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The workload's image, for Architectures that name none.
    #[arg(long, default_value_t = RenderSettings::default().image)]
    image: String,
}

/// Prints the objects as YAML documents, in the order in which they can be applied.
///
/// # Errors
/// When a file cannot be read, has no Architecture, or one that is not valid.
pub(super) fn run(args: &Args) -> CommandResult {
    let settings = RenderSettings { image: args.image.clone() };
    let mut documents = vec![];
    for CheckedArchitecture { name, architecture, topology, .. } in
        checked::read_all(&args.filename, &args.namespace)?
    {
        ensure!(
            architecture.metadata.name.is_some(),
            "{name}: the objects' names begin with the Architecture's, which only a cluster can \
             generate: give it a metadata.name"
        );
        documents.extend(render(&topology, &settings).objects().to_values());
    }
    output::print_documents(&documents)
}
