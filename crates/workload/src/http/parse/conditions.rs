//! Conditional requests (RFC 9110, 13): the version of an item is its entity tag.

use crate::backend::Precondition;
use crate::http::HttpError;
use axum::http::{
    HeaderMap, StatusCode,
    header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH},
};
use maquette_contract::Version;

/// The entity tag of a version, for the header `ETag`.
pub(in crate::http) fn entity_tag(version: &Version) -> Option<HeaderValue> {
    // The name of the writer of an item that a user's tool wrote may have any characters.
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// The header by which a write is sent on under a precondition.
pub(crate) fn precondition_header(condition: &Precondition) -> Option<(HeaderName, HeaderValue)> {
    let any = HeaderValue::from_static("*");
    match condition {
        Precondition::Exists => Some((IF_MATCH, any)),
        Precondition::Absent => Some((IF_NONE_MATCH, any)),
        Precondition::VersionIs(version) => entity_tag(version).map(|tag| (IF_MATCH, tag)),
    }
}

/// The precondition of a write.
///
/// # Errors
/// 400 if the headers name more than one version, 412 if the tag cannot be that of any item.
pub(in crate::http) fn parse_precondition(
    headers: &HeaderMap,
) -> Result<Option<Precondition>, HttpError> {
    let bad_request = |message| Err(HttpError::bad_request(message));
    match (EntityTags::parse(headers, IF_MATCH)?, EntityTags::parse(headers, IF_NONE_MATCH)?) {
        (None, None) => Ok(None),
        (Some(EntityTags::Any), None) => Ok(Some(Precondition::Exists)),
        (None, Some(EntityTags::Any)) => Ok(Some(Precondition::Absent)),
        (Some(EntityTags::Tags(tags)), None) => match &tags[..] {
            [EntityTag { opaque, is_weak: false }] => match opaque.parse() {
                Ok(version) => Ok(Some(Precondition::VersionIs(version))),
                Err(_) => Err(never_matches(opaque)),
            },
            [EntityTag { opaque, is_weak: true }] => Err(never_matches(opaque)),
            _ => bad_request("If-Match of a write may have one entity tag, or *"),
        },
        (None, Some(EntityTags::Tags(_))) => bad_request("If-None-Match of a write must be *"),
        (Some(_), Some(_)) => bad_request("a write may have If-Match or If-None-Match, not both"),
    }
}

fn never_matches(tag: &str) -> HttpError {
    let message = format!("no item has the entity tag {tag:?}: the write was not made");
    HttpError::new(StatusCode::PRECONDITION_FAILED, message)
}

/// The conditions of a read.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct ReadConditions {
    if_match: Option<EntityTags>,
    if_none_match: Option<EntityTags>,
}

impl ReadConditions {
    /// # Errors
    /// 400 if a header is malformed.
    pub(in crate::http) fn parse(headers: &HeaderMap) -> Result<Self, HttpError> {
        Ok(Self {
            if_match: EntityTags::parse(headers, IF_MATCH)?,
            if_none_match: EntityTags::parse(headers, IF_NONE_MATCH)?,
        })
    }

    /// Whether the client has this version already: the answer is 304, without a body.
    ///
    /// # Errors
    /// 412 if the client wants another version.
    pub(in crate::http) fn is_not_modified(&self, version: &Version) -> Result<bool, HttpError> {
        let text = version.to_string();
        if self.if_match.as_ref().is_some_and(|tags| !tags.matches(&text, false)) {
            let message = format!("the item has the version {text}, not the one of If-Match");
            return Err(HttpError::new(StatusCode::PRECONDITION_FAILED, message));
        }
        Ok(self.if_none_match.as_ref().is_some_and(|tags| tags.matches(&text, true)))
    }
}

/// `*`, or a list of entity tags.
#[derive(Clone, Debug)]
enum EntityTags {
    Any,
    Tags(Vec<EntityTag>),
}

#[derive(Clone, Debug)]
struct EntityTag {
    opaque: String,
    is_weak: bool,
}

impl EntityTags {
    fn parse(headers: &HeaderMap, name: HeaderName) -> Result<Option<Self>, HttpError> {
        let mut tags = vec![];
        let mut is_any = false;
        for value in headers.get_all(&name) {
            let malformed = || {
                let message = format!("{name}: {value:?} is neither * nor \"<version>\"");
                HttpError::bad_request(message)
            };
            let text = value.to_str().map_err(|_| malformed())?.trim();
            if text == "*" {
                is_any = true;
                continue;
            }
            tags.extend(parse_tags(text).ok_or_else(malformed)?);
        }
        match (is_any, tags.is_empty()) {
            (true, true) => Ok(Some(Self::Any)),
            (false, false) => Ok(Some(Self::Tags(tags))),
            (false, true) => Ok(None),
            (true, false) => Err(HttpError::bad_request(format!("{name} has * and other values"))),
        }
    }

    fn matches(&self, version: &str, allows_weak: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => {
                tags.iter().any(|tag| tag.opaque == version && (allows_weak || !tag.is_weak))
            }
        }
    }
}

/// The tags of a list, at least one.
fn parse_tags(text: &str) -> Option<Vec<EntityTag>> {
    let mut tags = vec![];
    let mut rest = text;
    loop {
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(EntityTag { opaque: opaque.to_owned(), is_weak });
        let after = after.trim_start();
        if after.is_empty() {
            return Some(tags);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(HeaderName, &str)]) -> HeaderMap {
        values.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn the_precondition_of_a_write_is_one_version_or_any_or_none() {
        let parsed = |values: &[(HeaderName, &str)]| {
            parse_precondition(&headers(values)).map_err(|error| error.status.as_u16())
        };
        assert_eq!(parsed(&[]), Ok(None));
        assert_eq!(parsed(&[(IF_MATCH, "*")]), Ok(Some(Precondition::Exists)));
        assert_eq!(parsed(&[(IF_NONE_MATCH, " * ")]), Ok(Some(Precondition::Absent)));
        let own = Precondition::VersionIs(version("1.0.shop-web-1"));
        assert_eq!(parsed(&[(IF_MATCH, "\"1.0.shop-web-1\"")]), Ok(Some(own.clone())));
        for own in [own, Precondition::Exists, Precondition::Absent] {
            let (name, value) = precondition_header(&own).unwrap();
            assert_eq!(parsed(&[(name, value.to_str().unwrap())]), Ok(Some(own)));
        }
        for (values, status) in [
            (&[(IF_MATCH, "W/\"1.0.a\"")][..], 412),
            (&[(IF_MATCH, "\"abc\"")], 412),
            (&[(IF_MATCH, "\"1.0.a\", \"2.0.a\"")], 400),
            (&[(IF_MATCH, "1.0.a")], 400),
            (&[(IF_MATCH, "\"1.0.a")], 400),
            (&[(IF_MATCH, "\"1.0.a\",")], 400),
            (&[(IF_NONE_MATCH, "\"1.0.a\"")], 400),
            (&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")], 400),
        ] {
            assert_eq!(parsed(values), Err(status), "{values:?}");
        }
    }

    #[test]
    fn a_read_of_the_version_that_the_client_has_is_not_modified() {
        let checked = |values: &[(HeaderName, &str)]| {
            let conditions = ReadConditions::parse(&headers(values)).unwrap();
            conditions.is_not_modified(&version("2.0.a")).map_err(|error| error.status.as_u16())
        };
        for (tags, same) in [
            ("\"2.0.a\"", true),
            ("W/\"2.0.a\"", true),
            ("\"1.0.a\" , \"2.0.a\"", true),
            ("*", true),
            ("\"1.0.a\"", false),
        ] {
            assert_eq!(checked(&[(IF_NONE_MATCH, tags)]), Ok(same), "{tags}");
        }
        assert_eq!(checked(&[]), Ok(false));
        assert_eq!(checked(&[(IF_MATCH, "\"2.0.a\"")]), Ok(false));
        assert_eq!(checked(&[(IF_MATCH, "\"1.0.a\"")]), Err(412));
        assert_eq!(checked(&[(IF_MATCH, "W/\"2.0.a\"")]), Err(412), "a strong comparison");
    }
}
