//! What all checks of a spec share: field paths, the list of errors, CEL rules, bounds and the
//! syntax of names.
//!
//! Owns how an error is reported. It never depends on a field of the spec.

pub(crate) mod bounds;
mod cel_rule;
pub(crate) mod component_name;
mod error_list;
pub(crate) mod label_syntax;
pub(crate) mod schema_check;

pub(crate) use cel_rule::{CelRule, schema_rules};
pub(crate) use error_list::{ErrorList, FieldPath, to_json};
pub use error_list::{FieldError, ValidationErrors};
