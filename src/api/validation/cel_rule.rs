//! A validation rule of the schema, written once: the API server evaluates its CEL expression,
//! `validate` makes the same check in Rust, and both report the same message.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;

use super::error_list::{ErrorList, FieldPath};

/// A rule about the value that it is attached to.
#[derive(Clone, Debug)]
pub(crate) struct CelRule {
    /// A CEL expression that is true for a valid value.
    expression: String,
    /// What is wrong and how to fix it. Each `{}` stands for one of `arguments`.
    message: &'static str,
    /// CEL expressions of type string, one for each `{}` of the message.
    arguments: Vec<String>,
    /// The field to report, relative to the value, such as `data.storage`; empty: the value itself.
    field_path: String,
}

impl CelRule {
    /// A rule whose message has no arguments and which reports the value itself.
    pub(crate) fn new(expression: impl Into<String>, message: &'static str) -> Self {
        Self {
            expression: expression.into(),
            message,
            arguments: vec![],
            field_path: String::new(),
        }
    }

    /// Sets the CEL expressions that replace the `{}` of the message.
    pub(crate) fn with_arguments<const N: usize>(self, arguments: [impl Into<String>; N]) -> Self {
        Self { arguments: arguments.map(Into::into).into(), ..self }
    }

    /// Sets the field to report, relative to the value.
    pub(crate) fn at_field(self, field_path: impl Into<String>) -> Self {
        Self { field_path: field_path.into(), ..self }
    }

    /// Adds the error that the value at `path` violates this rule; `arguments` replace the `{}` of
    /// the message.
    pub(crate) fn report(&self, path: &FieldPath, arguments: &[&str], errors: &mut ErrorList) {
        self.report_value(path, None, arguments, errors);
    }

    /// As [`CelRule::report`], with the invalid value as JSON.
    pub(crate) fn report_value(
        &self,
        path: &FieldPath,
        value: Option<String>,
        arguments: &[&str],
        errors: &mut ErrorList,
    ) {
        let reported =
            if self.field_path.is_empty() { path.clone() } else { path.field(&self.field_path) };
        let mut parts = self.message.split("{}");
        let first = parts.next().unwrap_or_default().to_owned();
        let message = parts.zip(arguments).fold(first, |text, (part, value)| text + value + part);
        errors.add(&reported, value, message);
    }

    fn to_schema(&self) -> ValidationRule {
        let (message, message_expression) = match self.arguments.as_slice() {
            [] => (Some(self.message.to_owned()), None),
            _ => (None, Some(self.message_expression())),
        };
        ValidationRule {
            rule: self.expression.clone(),
            message,
            message_expression,
            field_path: (!self.field_path.is_empty()).then(|| format!(".{}", self.field_path)),
            ..ValidationRule::default()
        }
    }

    fn message_expression(&self) -> String {
        let mut parts = self.message.split("{}").map(|part| part.replace('\'', "\\'"));
        let first = format!("'{}'", parts.next().unwrap_or_default());
        parts.zip(&self.arguments).fold(first, |text, (part, value)| match part.as_str() {
            "" => format!("{text} + {value}"),
            part => format!("{text} + {value} + '{part}'"),
        })
    }
}

/// The rules as the schema's `x-kubernetes-validations`.
pub(crate) fn schema_rules<const N: usize>(rules: [CelRule; N]) -> Vec<ValidationRule> {
    rules.iter().map(CelRule::to_schema).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_and_rust_report_the_same_message() {
        let rule = CelRule::new("true", "it's {}, not {}")
            .with_arguments(["self.a", "self.b"])
            .at_field("a");
        let expression = rule.to_schema().message_expression;
        assert_eq!(expression.as_deref(), Some(r"'it\'s ' + self.a + ', not ' + self.b"));
        let mut errors = ErrorList::default();
        rule.report(&FieldPath::root().field("spec"), &["1", "2"], &mut errors);
        let reported = errors.into_result::<()>(None).unwrap_err();
        let error = reported.iter().next().unwrap();
        assert_eq!((error.path.as_str(), error.message.as_str()), ("spec.a", "it's 1, not 2"));
    }
}
