//! Whether a body is JSON, as its headers say.

use crate::http::HttpError;
use axum::http::{
    HeaderMap, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

/// What `curl -d` sends without another type: it says nothing of the body.
const CURL_DEFAULT: &str = "application/x-www-form-urlencoded";

/// Checks the headers of a body, before it is read. Without `Content-Type`, or with curl's default,
/// it is taken for JSON.
///
/// # Errors
/// 415 if it is something else, or is compressed.
pub(in crate::http) fn check_content_type(headers: &HeaderMap) -> Result<(), HttpError> {
    let unsupported = |message: String| HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    for value in headers.get_all(CONTENT_TYPE) {
        if !value.to_str().is_ok_and(is_json) {
            return Err(unsupported(format!(
                "the body is {value:?}; send JSON, with \"Content-Type: application/json\""
            )));
        }
    }
    for value in headers.get_all(CONTENT_ENCODING) {
        if !value.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Err(unsupported(format!(
                "the body has the encoding {value:?}; send it without one"
            )));
        }
    }
    Ok(())
}

/// `application/json`, a type that ends with `+json`, or curl's default; in UTF-8, the only encoding
/// of JSON.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_structured = media_type
        .strip_suffix("+json")
        .and_then(|start| start.split_once('/'))
        .is_some_and(|(major, minor)| !major.is_empty() && !minor.is_empty());
    let has_other_charset = parts.any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("charset")
                && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    });
    let is_accepted = ["application/json", CURL_DEFAULT].contains(&media_type.as_str());
    (is_accepted || is_structured) && !has_other_charset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_and_nothing_else() {
        for json in [
            "application/json",
            "Application/JSON; charset=\"UTF-8\"",
            "application/json;charset=utf-8",
            "application/vnd.api+json",
            "application/problem+json ; v=1",
            "application/x-www-form-urlencoded",
        ] {
            assert!(is_json(json), "{json}");
        }
        for other in [
            "",
            "text/plain",
            "multipart/form-data; boundary=a",
            "application/jsonp",
            "text/json",
            "+json",
            "/+json",
            "application/json; charset=latin1",
            "application/xml, application/json",
        ] {
            assert!(!is_json(other), "{other}");
        }
    }
}
