//! What is wrong with a spec: where, which value, and the mend.

use std::fmt;

/// Something that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as the API server names it: `spec.nTier.services[1].calls`.
    pub path: String,
    /// The value found there, as JSON; none where it is a list or an object, or is missing.
    pub value: Option<String>,
    /// What is wrong with it and how to mend it.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: Invalid value: {value}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// All that is wrong with a spec; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(Vec<FieldError>);

impl ValidationErrors {
    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &FieldError> {
        self.0.iter()
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(FieldError::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

/// A place in a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At(String);

impl At {
    /// The top: the whole resource.
    pub(crate) fn root() -> Self {
        Self(String::new())
    }

    /// The member `name`.
    pub(crate) fn field(&self, name: &str) -> Self {
        match self.0.as_str() {
            "" => Self(name.to_owned()),
            above => Self(format!("{above}.{name}")),
        }
    }

    /// The value under `key`.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The item number `index`, from 0.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gathers problems, so that a user hears of all at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    /// Notes a problem with the value at `at`.
    pub(crate) fn add(&mut self, at: &At, value: Option<String>, message: impl Into<String>) {
        self.0.push(FieldError { path: at.to_string(), value, message: message.into() });
    }

    /// True if nothing was found yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what somebody else found, unless it is known.
    pub(crate) fn merge(&mut self, problems: ValidationErrors) {
        for problem in problems.0 {
            if !self.0.contains(&problem) {
                self.0.push(problem);
            }
        }
    }

    /// `valid` if nothing was found.
    ///
    /// # Errors
    /// Everything that was found.
    pub(crate) fn into_result<T>(self, valid: Option<T>) -> Result<T, ValidationErrors> {
        match valid {
            Some(valid) if self.0.is_empty() => Ok(valid),
            _ => Err(ValidationErrors(self.0)),
        }
    }
}

/// A value as a problem shows it.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}
