//! What commands print: objects as YAML documents, on the standard output.

use super::CommandResult;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Prints each object as a document of its own.
///
/// # Errors
/// When they cannot be written out.
pub(super) fn print_documents(objects: &[Value]) -> CommandResult {
    let document = |object| serde_norway::to_string(&YamlDocument(object));
    let documents: Result<Vec<_>, _> = objects.iter().map(document).collect();
    io::stdout().write_all(documents?.join("---\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// An object whose first fields say what it is, as people write them.
struct YamlDocument<'a>(&'a Value);

impl Serialize for YamlDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const HEAD: [&str; 2] = ["apiVersion", "kind"];
        let head = HEAD.iter().filter_map(|name| Some((*name, self.0.get(*name)?)));
        let fields = self.0.as_object().into_iter().flatten();
        let fields = fields.map(|(name, value)| (name.as_str(), value));
        serializer.collect_map(head.chain(fields.filter(|(name, _)| !HEAD.contains(name))))
    }
}
