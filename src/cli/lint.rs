//! `maquette lint`: names every problem of Architectures.

use super::{
    CommandResult,
    checked::check_document,
    input::{self, InputObject},
};
use crate::{api, plan};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Which files to check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file with Architectures, YAML or JSON, one document or several; `-` reads the standard
    /// input. May be given more than once. Objects of other kinds are skipped.
    #[arg(short, long, value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,
}

/// The lines to print, and how many Architectures and problems they are about.
#[derive(Default)]
struct LintReport {
    lines: Vec<String>,
    checked: usize,
    problems: usize,
}

/// Prints every problem with its field path; the exit code is 1 if there are any. It reports
/// what the API server would refuse, except for rules that compare with the Architecture in the cluster.
///
/// # Errors
/// When a file cannot be read or is not YAML.
pub(super) fn run(args: &Args) -> CommandResult {
    let mut report = LintReport::default();
    for file in &args.filename {
        for object in input::read_objects(file)? {
            report.check_object(&object);
        }
    }
    if report.checked == 0 {
        // Without this a file whose `kind` is misspelt would pass.
        report.problems += 1;
        report.lines.push("no Architecture: nothing was checked".to_owned());
    }
    let text: String = report.lines.iter().map(|line| format!("{line}\n")).collect();
    io::stdout().write_all(text.as_bytes())?;
    Ok(if report.problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl LintReport {
    fn check_object(&mut self, object: &InputObject) {
        if api::is_architecture(&object.value) {
            self.check_architecture(object);
        } else {
            self.lines.push(format!("{}: skipped: not an Architecture", object.label));
        }
    }

    fn check_architecture(&mut self, InputObject { label, value }: &InputObject) {
        self.checked += 1;
        match check_document(value, "") {
            Ok(checked) => {
                let shape = checked.architecture.spec.shape.as_str();
                let notes = checked.spec.inactive().iter().map(|member| {
                    format!("{label}: note: spec.{member} is inactive, since the shape is {shape}")
                });
                self.lines.push(format!("{label}: valid"));
                self.lines.extend(notes);
                let promises = plan::notes(&checked.topology).into_iter();
                self.lines.extend(promises.map(|note| format!("{label}: note: {note}")));
            }
            Err(problems) => {
                let before = self.lines.len();
                self.lines.extend(problems.iter().map(|problem| format!("{label}: {problem}")));
                self.problems += self.lines.len() - before;
            }
        }
    }
}
