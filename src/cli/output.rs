//! What commands print: objects as YAML documents, on the standard output.

use super::CommandResult;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Prints each object as a YAML document of its own.
///
/// # Errors
/// When an object cannot be serialized or written to the standard output.
pub(super) fn print_documents(objects: &[Value]) -> CommandResult {
    let documents: Vec<String> = objects
        .iter()
        .map(|object| serde_norway::to_string(&YamlDocument(object)))
        .collect::<Result<_, _>>()?;
    io::stdout().write_all(documents.join("---\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// An object whose first fields are `apiVersion` and `kind`, the order in which people write them.
struct YamlDocument<'a>(&'a Value);

impl Serialize for YamlDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const FIRST: [&str; 2] = ["apiVersion", "kind"];
        let first = FIRST.iter().filter_map(|name| Some((*name, self.0.get(*name)?)));
        let fields = self.0.as_object().into_iter().flatten();
        let others = fields
            .map(|(name, value)| (name.as_str(), value))
            .filter(|(name, _)| !FIRST.contains(name));
        serializer.collect_map(first.chain(others))
    }
}
