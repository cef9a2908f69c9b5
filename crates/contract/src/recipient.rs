//! The recipient of a connection: each client names the Architecture and the component, and a
//! receiver refuses a connection that is meant for another.
//!
//! Names of objects are joined with a hyphen, so that `shop` with the store `web-data` and
//! `shop-web` with the store `data` have the same address. UIDs are never equal.

use crate::{ArchitectureName, ComponentName};
use serde::{Deserialize, Serialize};
use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

/// A string that is not a UID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("UID {0:?} must be 1 to 64 letters, digits and '-'")]
pub struct UidError(String);

/// `metadata.uid` of an Architecture: no other object, of any time, has the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArchitectureUid(String);

impl ArchitectureUid {
    /// The longest UID, in characters; Kubernetes' have 36.
    pub const MAX: usize = 64;

    /// The UID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ArchitectureUid {
    type Error = UidError;
    fn try_from(value: String) -> Result<Self, UidError> {
        let is_valid = (1..=Self::MAX).contains(&value.len())
            && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if is_valid { Ok(Self(value)) } else { Err(UidError(value)) }
    }
}

impl FromStr for ArchitectureUid {
    type Err = UidError;
    fn from_str(value: &str) -> Result<Self, UidError> {
        Self::try_from(value.to_owned())
    }
}

impl From<ArchitectureUid> for String {
    fn from(uid: ArchitectureUid) -> Self {
        uid.0
    }
}

impl fmt::Display for ArchitectureUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The recipient of a connection or request. As text: `<UID>/<component>`, or `<UID>` for any
/// component of the Architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The Architecture.
    pub architecture: ArchitectureUid,
    /// The component; none for the entry Service, which leads to another component during a change.
    pub component: Option<ComponentName>,
}

impl Recipient {
    /// The longest text, in characters.
    pub const MAX: usize = ArchitectureUid::MAX + 1 + ComponentName::MAX;
}

impl Display for Recipient {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.architecture)?;
        match &self.component {
            Some(component) => write!(f, "/{component}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        if text.len() > Self::MAX {
            return Err(RecipientError::Malformed);
        }
        let (architecture, component) = match text.split_once('/') {
            Some((architecture, component)) => (architecture, Some(component)),
            None => (text, None),
        };
        let component = component.map(str::parse).transpose();
        Ok(Self {
            architecture: architecture.parse().map_err(|_| RecipientError::Malformed)?,
            component: component.map_err(|_| RecipientError::Malformed)?,
        })
    }
}

/// The component that a process belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentIdentity {
    /// The name of the Architecture.
    pub architecture: ArchitectureName,
    /// Its UID; none in settings that were made without a cluster or by an earlier version.
    pub uid: Option<ArchitectureUid>,
    /// The UID before the one in force, if it changed while the process runs: the objects of a
    /// deleted Architecture were adopted by one of the same name. Others may still use it.
    pub former_uid: Option<ArchitectureUid>,
    /// The name of the component.
    pub component: ComponentName,
}

impl ComponentIdentity {
    /// The recipient `component` of the same Architecture, or any of its components. None without
    /// a UID: then the recipient is not named.
    pub fn recipient(&self, component: Option<&ComponentName>) -> Option<Recipient> {
        let architecture = self.uid.clone()?;
        Some(Recipient { architecture, component: component.cloned() })
    }

    /// This identity, which replaces `before` in the same process.
    #[must_use]
    pub fn replacing(self, before: &Self) -> Self {
        let former_uid =
            if self.uid == before.uid { before.former_uid.clone() } else { before.uid.clone() };
        Self { former_uid, ..self }
    }

    /// Checks that a connection is meant for this component. Without a UID, it accepts all.
    ///
    /// # Errors
    /// If `named` is another component or malformed. The message does not contain `named` if it
    /// is malformed: a stranger chooses its length.
    pub fn check_recipient(&self, named: &[u8]) -> Result<(), RecipientError> {
        let text = std::str::from_utf8(named).map_err(|_| RecipientError::Malformed)?;
        let named: Recipient = text.parse()?;
        let Some(uid) = &self.uid else { return Ok(()) };
        let is_own_component =
            named.component.as_ref().is_none_or(|component| *component == self.component);
        let is_own_architecture =
            named.architecture == *uid || self.former_uid.as_ref() == Some(&named.architecture);
        if is_own_architecture && is_own_component {
            return Ok(());
        }
        Err(RecipientError::Misdirected { owner: self.to_string(), named })
    }
}

/// `component data of Architecture shop (UID 0d5c...)`.
impl Display for ComponentIdentity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "component {} of Architecture {}", self.component, self.architecture)?;
        match &self.uid {
            Some(uid) => write!(f, " (UID {uid})"),
            None => Ok(()),
        }
    }
}

/// Why a connection is refused; the client's message starts with the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// It is meant for another component.
    #[error("belongs to {owner}, but the request is for {}", describe_recipient(named))]
    Misdirected {
        /// The component that received it.
        owner: String,
        /// The component that it is meant for.
        named: Recipient,
    },
    /// It names no component.
    #[error(
        "the recipient of the request is unreadable: write <UID of the Architecture>/<component>"
    )]
    Malformed,
}

fn describe_recipient(named: &Recipient) -> String {
    match &named.component {
        Some(component) => {
            format!("component {component} of the Architecture with UID {}", named.architecture)
        }
        None => format!("the Architecture with UID {}", named.architecture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(uid: Option<&str>) -> ComponentIdentity {
        ComponentIdentity {
            architecture: "shop".parse().unwrap(),
            uid: uid.map(|uid| uid.parse().unwrap()),
            former_uid: None,
            component: "web-data".parse().unwrap(),
        }
    }

    #[test]
    fn a_component_accepts_what_is_meant_for_it_or_for_any_of_its_architecture() {
        let own = identity(Some("u1"));
        let component = own.component.clone();
        let recipients = [own.recipient(Some(&component)), own.recipient(None)];
        let texts = recipients.map(|recipient| recipient.unwrap().to_string());
        assert_eq!(texts, ["u1/web-data", "u1"]);
        for text in texts {
            assert_eq!(own.check_recipient(text.as_bytes()), Ok(()));
        }
        assert_eq!(identity(None).recipient(None), None);
        assert_eq!(identity(None).check_recipient(b"u2/data"), Ok(()));
    }

    #[test]
    fn an_adopted_component_accepts_those_that_know_its_former_uid() {
        let adopted = identity(Some("u2")).replacing(&identity(Some("u1")));
        assert_eq!(adopted.recipient(None).unwrap().to_string(), "u2");
        for named in ["u1/web-data", "u2/web-data", "u1", "u2"] {
            assert_eq!(adopted.check_recipient(named.as_bytes()), Ok(()), "{named}");
        }
        for named in ["u1/data", "u3/web-data"] {
            assert!(adopted.check_recipient(named.as_bytes()).is_err(), "{named}");
        }
        let reloaded = identity(Some("u2")).replacing(&adopted);
        assert_eq!(reloaded.check_recipient(b"u1"), Ok(()), "other settings changed");
    }

    #[test]
    fn a_stranger_learns_whose_the_component_is() {
        let refusal = |named: &str| {
            identity(Some("u1")).check_recipient(named.as_bytes()).unwrap_err().to_string()
        };
        let owner = "belongs to component web-data of Architecture shop (UID u1)";
        assert_eq!(
            refusal("u2/data"),
            format!(
                "{owner}, but the request is for component data of the Architecture with UID u2"
            )
        );
        assert!(refusal("u1/data").starts_with(owner));
        assert_eq!(
            refusal("u2"),
            format!("{owner}, but the request is for the Architecture with UID u2")
        );
    }

    #[test]
    fn a_malformed_recipient_is_refused_and_not_repeated() {
        let long = "u".repeat(1 << 20);
        let garbled: [&[u8]; 10] = [
            b"",
            b"/",
            b"u1/",
            b"/web-data",
            b"u1/web-data/",
            b"u1/Web",
            b"u 1/web-data",
            b"u1\r\n/web-data",
            &[0xff, 0xfe],
            long.as_bytes(),
        ];
        for named in garbled {
            for own in [identity(Some("u1")), identity(None)] {
                let error = own.check_recipient(named).unwrap_err();
                assert_eq!(error, RecipientError::Malformed, "{named:?}");
                assert!(error.to_string().len() < 200);
            }
        }
    }
}
