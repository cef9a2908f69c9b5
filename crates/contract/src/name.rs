//! Names of Architectures and components, and the roles of components.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A string that is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} {value:?} must be 1 to {max} characters: lower-case letters, digits and '-', \
     starting with a letter and ending with a letter or digit"
)]
pub struct NameError {
    what: &'static str,
    value: String,
    max: usize,
}

pub(crate) fn check_name(
    what: &'static str,
    max: usize,
    value: String,
) -> Result<String, NameError> {
    let is_valid = value.len() <= max
        && value.starts_with(|c: char| c.is_ascii_lowercase())
        && !value.ends_with('-')
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if is_valid { Ok(value) } else { Err(NameError { what, value, max }) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest name of this type, in characters.
            pub const MAX: usize = $max;

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::NameError;
            fn try_from(value: String) -> Result<Self, Self::Error> {
                $crate::name::check_name($what, Self::MAX, value).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::NameError;
            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Self::try_from(value.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use name;

name!(
    /// The name of an Architecture: a DNS label.
    ArchitectureName, "architecture name", 50
);
name!(
    /// The name of a component: a DNS label of at most 24 characters, or such a name with `-data`
    /// behind it for a store that is named after its service.
    ComponentName, "component name", 29
);

impl ArchitectureName {
    /// The longest object name `<architecture>-<component>`, in characters: the pods of a
    /// StatefulSet get a label `<statefulset>-<hash>`, and a label value has at most 63 characters.
    pub const MAX_OBJECT_NAME: usize = 52;

    /// The name of a component's objects: `<architecture>-<component>`.
    pub fn object_name(&self, component: &ComponentName) -> String {
        format!("{self}-{component}")
    }
}

/// What a component does; it determines its objects and what its pods run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Answers requests by calling other components or querying its store.
    Service,
    /// Stores items on a volume and answers queries.
    Store,
    /// Stores a share of the items and answers requests; all peers are equal.
    Peer,
    /// Sends requests that simulate end users.
    Load,
}

impl Role {
    /// The role as the value of a label: lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Service => "service",
            Role::Store => "store",
            Role::Peer => "peer",
            Role::Load => "load",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "web", "orders-2", "a23456789-123456789-1234"] {
            assert_eq!(good.parse::<ComponentName>().map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "a-", "2nd", "Web", "a_b", "é", &"a".repeat(30)] {
            assert!(bad.parse::<ComponentName>().is_err(), "{bad:?} is accepted");
        }
    }
}
