//! The errors of a spec: which field, which value, what is wrong and how to fix it.

use std::fmt;

/// An invalid field; the counterpart of `field.Error` of Kubernetes' apimachinery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as the API server names it: `spec.nTier.services[1].calls`.
    pub path: String,
    /// The invalid value as JSON; none for lists, objects and missing fields.
    pub value: Option<String>,
    /// What is wrong and how to fix it.
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

/// All errors of one spec; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(Vec<FieldError>);

impl ValidationErrors {
    /// The errors, in the order in which the checks ran.
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

/// The path of a field, written as the API server writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath(String);

impl FieldPath {
    /// The path of the whole resource: empty.
    pub(crate) fn root() -> Self {
        Self(String::new())
    }

    pub(crate) fn field(&self, name: &str) -> Self {
        match self.0.as_str() {
            "" => Self(name.to_owned()),
            parent => Self(format!("{parent}.{name}")),
        }
    }

    /// The path of the entry `key` of a map.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The path of a list item; the first has index 0.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Collects errors, so that a user sees all of them at once.
#[derive(Debug, Default)]
pub(crate) struct ErrorList(Vec<FieldError>);

impl ErrorList {
    pub(crate) fn add(
        &mut self,
        path: &FieldPath,
        value: Option<String>,
        message: impl Into<String>,
    ) {
        self.0.push(FieldError { path: path.to_string(), value, message: message.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the errors that are not in the list yet.
    pub(crate) fn merge(&mut self, errors: ValidationErrors) {
        for error in errors.0 {
            if !self.0.contains(&error) {
                self.0.push(error);
            }
        }
    }

    /// `valid` if the list is empty.
    ///
    /// # Errors
    /// The collected errors.
    pub(crate) fn into_result<T>(self, valid: Option<T>) -> Result<T, ValidationErrors> {
        match valid {
            Some(valid) if self.0.is_empty() => Ok(valid),
            _ => Err(ValidationErrors(self.0)),
        }
    }
}

/// A value as [`FieldError::value`] shows it.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}
