//! The header that names the recipient of a request, both ends.

use hyper::{HeaderMap, header::HeaderValue};
use maquette_contract::{ComponentIdentity, Recipient, RecipientError, keys::HEADER_RECIPIENT};

/// The longest reason that is taken over from the answer of a stranger, in characters.
const MAX_REASON_CHARS: usize = 300;

/// The header of requests to a recipient, if it is known.
pub(super) fn recipient_value(recipient: Option<&Recipient>) -> Option<HeaderValue> {
    // A recipient has only characters that a header may have.
    recipient.and_then(|it| HeaderValue::try_from(it.to_string()).ok())
}

/// Names the recipient of a request, if it is known.
pub fn add_recipient(recipient: Option<&Recipient>, headers: &mut HeaderMap) {
    if let Some(value) = recipient_value(recipient) {
        headers.insert(HEADER_RECIPIENT, value);
    }
}

/// Checks that a request is meant for `own`, or names no recipient, as requests of users.
///
/// # Errors
/// If it names another component, or several.
pub fn check_recipient(own: &ComponentIdentity, headers: &HeaderMap) -> Result<(), RecipientError> {
    headers
        .get_all(HEADER_RECIPIENT)
        .iter()
        .try_for_each(|named| own.check_recipient(named.as_bytes()))
}

/// The reason in the answer of a component that refuses a request as meant for another: one line.
pub fn misdirected_reason(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return "refuses the request as meant for another component".to_owned();
    }
    line.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_nobody_or_the_component_and_no_other() {
        let own = ComponentIdentity {
            architecture: "shop".parse().unwrap(),
            uid: Some("u1".parse().unwrap()),
            former_uid: None,
            component: "web".parse().unwrap(),
        };
        let mut headers = HeaderMap::new();
        assert_eq!(check_recipient(&own, &headers), Ok(()));
        add_recipient(own.recipient(Some(&own.component)).as_ref(), &mut headers);
        assert_eq!(headers[HEADER_RECIPIENT], "u1/web");
        assert_eq!(check_recipient(&own, &headers), Ok(()));
        headers.append(HEADER_RECIPIENT, HeaderValue::from_static("u2/web"));
        assert!(check_recipient(&own, &headers).is_err());
    }

    #[test]
    fn a_strangers_reason_is_one_short_line() {
        assert_eq!(misdirected_reason(b"belongs to x\nand more"), "belongs to x");
        assert_eq!(misdirected_reason(&[0xff, 7]), "\u{fffd}");
        assert_eq!(misdirected_reason(&[b'a'; 100_000]).len(), MAX_REASON_CHARS);
        assert!(misdirected_reason(b"").starts_with("refuses the request"));
    }
}
