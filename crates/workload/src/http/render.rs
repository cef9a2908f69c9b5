//! The format of an answer on the wire.

use super::parse::entity_tag;
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maquette_contract::{Answer, Outcome};

/// The format that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerFormat {
    Json,
    Text,
}

impl AnswerFormat {
    /// Text if `Accept` names `text/plain` and not JSON, else JSON.
    pub(super) fn from_accept(headers: &HeaderMap) -> Self {
        if accepts(headers, "text/plain") && !accepts(headers, "application/json") {
            AnswerFormat::Text
        } else {
            AnswerFormat::Json
        }
    }
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT);
    let mut values = accepted.iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.contains(media_type))
}

/// The answer with its status. JSON is padded to `min_bytes`; text is not.
pub(super) fn render_response(
    format: AnswerFormat,
    status: StatusCode,
    answer: Answer,
    min_bytes: u64,
) -> Response {
    let tag = match &answer.outcome {
        Outcome::Item { version, .. } => entity_tag(version),
        _ => None,
    };
    let mut response = match format {
        _ if status == StatusCode::NOT_MODIFIED => status.into_response(),
        AnswerFormat::Text => (status, answer.to_string()).into_response(),
        AnswerFormat::Json => (status, Json(pad_answer(answer, min_bytes))).into_response(),
    };
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    add_retry_after(&mut response);
    response
}

/// Adds `Retry-After: 1` to a 503.
pub(super) fn add_retry_after(response: &mut Response) {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
}

/// Pads the answer to at least `min_bytes` of JSON.
fn pad_answer(mut answer: Answer, min_bytes: u64) -> Answer {
    let target = usize::try_from(min_bytes).unwrap_or(usize::MAX);
    if target == 0 {
        return answer;
    }
    let bytes = serde_json::to_vec(&answer).map_or(0, |json| json.len());
    if bytes < target {
        let member = r#","padding":"""#.len();
        answer.padding = "x".repeat((target - bytes).saturating_sub(member).max(1));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::{ResponseTree, Role};

    fn answer() -> Answer {
        let trace = ResponseTree {
            component: "web".parse().unwrap(),
            role: Role::Service,
            pod: "web-1".into(),
            micros: 1,
            queries: vec![],
            calls: vec![],
            error: None,
        };
        Answer { outcome: Outcome::Error("none".into()), trace, padding: String::new() }
    }

    #[test]
    fn an_answer_is_padded_to_the_minimum_size_and_never_cut() {
        let size = |min_bytes| serde_json::to_vec(&pad_answer(answer(), min_bytes)).unwrap().len();
        let bare = size(0);
        assert_eq!(size(4096), 4096);
        assert_eq!(size(bare as u64), bare);
        assert_eq!(size(10), bare);
        assert!(size(bare as u64 + 5) >= bare + 5);
    }

    #[test]
    fn text_is_chosen_only_by_the_accept_header() {
        let format_for = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            AnswerFormat::from_accept(&headers)
        };
        assert_eq!(format_for("text/plain"), AnswerFormat::Text);
        assert_eq!(format_for("text/plain; charset=utf-8"), AnswerFormat::Text);
        assert_eq!(format_for("application/json, text/plain, */*"), AnswerFormat::Json);
        assert_eq!(format_for("*/*"), AnswerFormat::Json);
        assert_eq!(AnswerFormat::from_accept(&HeaderMap::new()), AnswerFormat::Json);
    }
}
