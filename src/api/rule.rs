//! A rule of what is valid, written once: the API server checks its CEL, `validate` its twin in
//! Rust, and both say the same message.

use kube::core::{Message, Rule as Cel};

use super::problem::{At, Findings};

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

    fn schema(&self) -> Cel {
        let rule = Cel::new(self.cel).message(self.cel_message());
        match self.blame {
            "" => rule,
            blame => rule.field_path(format!(".{blame}")),
        }
    }

    fn cel_message(&self) -> Message {
        if self.values.is_empty() {
            return Message::Message(self.message.to_owned());
        }
        let mut parts = self.message.split("{}").map(|part| part.replace('\'', "\\'"));
        let first = format!("'{}'", parts.next().unwrap_or_default());
        let parts = parts.zip(self.values);
        Message::Expression(parts.fold(first, |text, (part, value)| match part.as_str() {
            "" => format!("{text} + {value}"),
            part => format!("{text} + {value} + '{part}'"),
        }))
    }
}

/// The rules as the schema's `x-kubernetes-validations`.
pub(crate) fn schema(rules: &[Rule]) -> Vec<Cel> {
    rules.iter().map(Rule::schema).collect()
}
