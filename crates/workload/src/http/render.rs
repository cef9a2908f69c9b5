//! The form of an answer on the wire.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maquette_contract::Answer;

/// The form that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerFormat {
    Json,
    Text,
}

impl AnswerFormat {
    /// Text for those who name it in `Accept` and do not name JSON, else JSON.
    pub(super) fn from_accept(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT);
        let names = |form| {
            let mut values = accepted.iter().filter_map(|value| value.to_str().ok());
            values.any(|value| value.contains(form))
        };
        if names("text/plain") && !names("application/json") {
            AnswerFormat::Text
        } else {
            AnswerFormat::Json
        }
    }
}

/// The answer with its status. JSON is padded to `least` bytes; text is for people and is not.
pub(super) fn render_response(
    form: AnswerFormat,
    status: StatusCode,
    answer: Answer,
    least: u64,
) -> Response {
    let mut response = match form {
        AnswerFormat::Text => (status, answer.to_string()).into_response(),
        AnswerFormat::Json => (status, Json(pad_answer(answer, least))).into_response(),
    };
    add_retry_after(&mut response);
    response
}

/// Has a client that is refused for now come again.
pub(super) fn add_retry_after(response: &mut Response) {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
}

/// Fills the answer up to at least so many bytes of JSON.
fn pad_answer(mut answer: Answer, least: u64) -> Answer {
    let least = usize::try_from(least).unwrap_or(usize::MAX);
    if least == 0 {
        return answer;
    }
    let bytes = serde_json::to_vec(&answer).map_or(0, |json| json.len());
    if bytes < least {
        let member = r#","padding":"""#.len();
        answer.padding = "x".repeat((least - bytes).saturating_sub(member).max(1));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use maquette_contract::{Outcome, ResponseTree, Role};

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
    fn an_answer_is_padded_to_the_size_asked_for_and_never_cut() {
        let size = |least| serde_json::to_vec(&pad_answer(answer(), least)).unwrap().len();
        let bare = size(0);
        assert_eq!(size(4096), 4096);
        assert_eq!(size(bare as u64), bare);
        assert_eq!(size(10), bare);
        assert!(size(bare as u64 + 5) >= bare + 5);
    }

    #[test]
    fn text_is_for_those_who_ask_for_it() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            AnswerFormat::from_accept(&headers)
        };
        assert_eq!(form("text/plain"), AnswerFormat::Text);
        assert_eq!(form("text/plain; charset=utf-8"), AnswerFormat::Text);
        assert_eq!(form("application/json, text/plain, */*"), AnswerFormat::Json);
        assert_eq!(form("*/*"), AnswerFormat::Json);
        assert_eq!(AnswerFormat::from_accept(&HeaderMap::new()), AnswerFormat::Json);
    }
}
