//! `maquette lint`: names every problem of Architectures.

use super::{Outcome, input};
use crate::api::{self, Problems, ValidSpec};
use crate::plan::{self, Identity};
use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file with Architectures, YAML or JSON, one document or several; `-` reads the standard
    /// input. May be given more than once. Objects of other kinds are passed over.
    #[arg(short, long, value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,
}

/// What there is to say about a file.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    problems: usize,
}

/// Prints all problems by field path, and exits with 1 if there are any. What the API server
/// refuses is found without one, but for what depends on the Architecture that it replaces.
///
/// # Errors
/// When a file cannot be read or is not YAML.
pub(super) fn run(args: &Args) -> Outcome {
    let mut report = Report::default();
    for file in &args.filename {
        for document in input::documents(file)? {
            report.document(file, &document.value);
        }
    }
    let text: String = report.lines.iter().map(|line| format!("{line}\n")).collect();
    io::stdout().write_all(text.as_bytes())?;
    Ok(if report.problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Report {
    fn document(&mut self, file: &Path, document: &Value) {
        let file_name =
            if file == Path::new("-") { "stdin".into() } else { file.display().to_string() };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let metadata = &document["metadata"];
        let name = text(&metadata["name"]).or_else(|| text(&metadata["generateName"]));
        let kind = text(&document["kind"]).unwrap_or_else(|| "object".to_owned());
        let who = format!("{file_name}: {kind}/{}", name.unwrap_or_else(|| "?".to_owned()));
        if document["kind"] == "List" {
            let items = document["items"].as_array().into_iter().flatten();
            items.for_each(|item| self.document(file, item));
        } else if api::is_architecture(document) {
            self.architecture(&who, document);
        } else {
            self.lines.push(format!("{who}: passed over: not an Architecture"));
        }
    }

    fn architecture(&mut self, who: &str, document: &Value) {
        match check(document) {
            Ok((shape, spec)) => {
                let notes = spec.inactive().iter().map(|member| {
                    format!("{who}: note: spec.{member} is inactive, since the shape is {shape}")
                });
                self.lines.push(format!("{who}: valid"));
                self.lines.extend(notes);
            }
            Err(problems) => {
                let problems: Vec<_> = problems.iter().map(|p| format!("{who}: {p}")).collect();
                self.problems += problems.len();
                self.lines.extend(problems);
            }
        }
    }
}

/// Parses and plans a document; the shape is told as users write it.
fn check(document: &Value) -> Result<(String, ValidSpec), Problems> {
    let (architecture, spec) = api::parse(document)?;
    // What is planned does not depend on the name, which may be yet to be generated.
    let name = architecture.metadata.name.as_deref().unwrap_or("x").parse();
    if let Ok(name) = name {
        let identity = Identity { name, namespace: String::new(), uid: String::new() };
        plan::plan(&spec, identity)?;
    }
    Ok((format!("{:?}", architecture.spec.shape), spec))
}
