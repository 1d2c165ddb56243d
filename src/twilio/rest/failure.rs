//! Why a request to the REST API did not do what it should (`twilio-protocol` 6.8).

use std::time::Duration;

use serde::Deserialize;

/// The longest piece of Twilio's own words that is kept.
const LONGEST_MESSAGE: usize = 200;

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestFailure {
    /// Account sid and auth token do not belong together, or the account is gone.
    #[error("the credentials were refused ({status}{code})", code = shown(*code))]
    Unauthorised {
        /// 401 or 403.
        status: u16,
        /// Twilio's error code.
        code: Option<u32>,
    },
    /// Nothing there by this sid.
    #[error("there is no such resource (404{code})", code = shown(*code))]
    NotFound {
        /// Twilio's error code.
        code: Option<u32>,
    },
    /// Too many requests at once.
    #[error("too many requests (429{code})", code = shown(*code))]
    TooMany {
        /// Twilio's error code.
        code: Option<u32>,
        /// How long Twilio asks to wait.
        retry_after: Option<Duration>,
    },
    /// Twilio's own trouble.
    #[error("the server has trouble ({status}{code})", code = shown(*code))]
    Server {
        /// 5xx.
        status: u16,
        /// Twilio's error code.
        code: Option<u32>,
    },
    /// The request itself is wrong, by Twilio's words.
    #[error("the request was refused ({status}{code}): {message}", code = shown(*code))]
    Refused {
        /// HTTP status.
        status: u16,
        /// Twilio's error code.
        code: Option<u32>,
        /// Its explanation, cut to a line.
        message: String,
    },
    /// No answer, or none that can be understood.
    #[error("{0}")]
    NoAnswer(String),
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    code: Option<u32>,
    message: Option<String>,
}

impl RestFailure {
    /// Returns what an answer with this status means; none for success. `retry_after` is that header's value.
    pub fn of(status: u16, retry_after: Option<&str>, body: &[u8]) -> Option<Self> {
        if (200..300).contains(&status) {
            return None;
        }
        let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let code = body.code;
        Some(match status {
            401 | 403 => Self::Unauthorised { status, code },
            404 => Self::NotFound { code },
            429 => Self::TooMany {
                code,
                retry_after: retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
            },
            500.. => Self::Server { status, code },
            _ => Self::Refused { status, code, message: one_line(&body.message.unwrap_or_default()) },
        })
    }

    /// Returns whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::Server { .. } | Self::NoAnswer(_))
    }
}

fn shown(code: Option<u32>) -> String {
    code.map(|code| format!(", error {code}")).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning_and_only_what_passes_is_tried_again() {
        let body = br#"{"code":20404,"message":"not\nfound","more_info":"https://x","status":404}"#;
        for (status, retry_after, expected, is_retryable) in [
            (401, None, RestFailure::Unauthorised { status: 401, code: Some(20404) }, false),
            (404, None, RestFailure::NotFound { code: Some(20404) }, false),
            (
                429,
                Some(" 7 "),
                RestFailure::TooMany { code: Some(20404), retry_after: Some(Duration::from_secs(7)) },
                true,
            ),
            (
                429,
                Some("Tue, 03 Mar 2026 10:15:00 GMT"),
                RestFailure::TooMany { code: Some(20404), retry_after: None },
                true,
            ),
            (503, None, RestFailure::Server { status: 503, code: Some(20404) }, true),
            (
                400,
                None,
                RestFailure::Refused { status: 400, code: Some(20404), message: "notfound".to_owned() },
                false,
            ),
            (
                302,
                None,
                RestFailure::Refused { status: 302, code: Some(20404), message: "notfound".to_owned() },
                false,
            ),
        ] {
            let failure = RestFailure::of(status, retry_after, body).unwrap();
            assert_eq!(failure, expected);
            assert_eq!(failure.is_retryable(), is_retryable, "{failure}");
            assert!(failure.to_string().contains("20404"), "{failure}");
        }
        assert_eq!(RestFailure::of(204, None, b""), None);
    }

    #[test]
    fn a_body_of_a_proxy_is_no_obstacle_and_is_not_repeated() {
        let failure = RestFailure::of(502, None, b"<html>secret</html>").unwrap();
        assert_eq!(failure, RestFailure::Server { status: 502, code: None });
        let long = format!(r#"{{"code":1,"message":"{}"}}"#, "x".repeat(9999));
        assert!(RestFailure::of(400, None, long.as_bytes()).unwrap().to_string().len() < 300);
    }
}
