//! A rule of what is valid, written once: the API server checks its CEL, `validate` its twin in
//! Rust, and both say the same message.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;

use super::error_list::{At, Findings};

/// A rule about the value that it is attached to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// What must hold, in CEL.
    pub(crate) cel: &'static str,
    /// What is wrong if it does not, and the mend. Each `{}` stands for one of `values`.
    pub(crate) message: &'static str,
    /// What goes into the message: text, in CEL.
    pub(crate) values: &'static [&'static str],
    /// The member to blame, such as `data.storage`; empty: the value itself.
    pub(crate) blame: &'static str,
}

impl Rule {
    /// Notes that the value at `at` breaks this rule; `values` go into the message.
    pub(crate) fn broken(&self, at: &At, values: &[&str], findings: &mut Findings) {
        self.broken_by(at, None, values, findings);
    }

    /// As [`Rule::broken`], by a value that is shown as well.
    pub(crate) fn broken_by(
        &self,
        at: &At,
        value: Option<String>,
        values: &[&str],
        findings: &mut Findings,
    ) {
        let at = if self.blame.is_empty() { at.clone() } else { at.field(self.blame) };
        let mut parts = self.message.split("{}");
        let first = parts.next().unwrap_or_default().to_owned();
        let message = parts.zip(values).fold(first, |text, (part, value)| text + value + part);
        findings.add(&at, value, message);
    }

    /// The rule as it stands in a schema.
    pub(crate) fn schema(&self) -> ValidationRule {
        let (message, message_expression) = match self.values {
            [] => (Some(self.message.to_owned()), None),
            _ => (None, Some(self.message_expression())),
        };
        ValidationRule {
            rule: self.cel.to_owned(),
            message,
            message_expression,
            field_path: (!self.blame.is_empty()).then(|| format!(".{}", self.blame)),
            ..ValidationRule::default()
        }
    }

    fn message_expression(&self) -> String {
        let mut parts = self.message.split("{}").map(|part| part.replace('\'', "\\'"));
        let first = format!("'{}'", parts.next().unwrap_or_default());
        parts.zip(self.values).fold(first, |text, (part, value)| match part.as_str() {
            "" => format!("{text} + {value}"),
            part => format!("{text} + {value} + '{part}'"),
        })
    }
}

/// The rules as the schema's `x-kubernetes-validations`.
pub(crate) fn schema(rules: &[Rule]) -> Vec<ValidationRule> {
    rules.iter().map(Rule::schema).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_say_the_same_message() {
        let rule = Rule {
            cel: "true",
            message: "it's {}, not {}",
            values: &["self.a", "self.b"],
            blame: "a",
        };
        let expression = rule.schema().message_expression;
        assert_eq!(expression.as_deref(), Some(r"'it\'s ' + self.a + ', not ' + self.b"));
        let mut findings = Findings::default();
        rule.broken(&At::root().field("spec"), &["1", "2"], &mut findings);
        let problems = findings.into_result::<()>(None).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!((problem.path.as_str(), problem.message.as_str()), ("spec.a", "it's 1, not 2"));
    }
}
