//! `POST /oauth2/token:generate` (`symbl-protocol` 1.1).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::message;
use crate::engine::EngineState;
use crate::engine::counters::Count;
use crate::engine::state::unix_now_s;
use crate::symbl::rest::Said;
use crate::symbl::rest::token::{TokenAnswer, TokenRequest};

/// Answers an application's credentials with a token.
#[utoipa::path(post, path = "/oauth2/token:generate", tag = "Tokens", operation_id = "generateToken", security(()),
    request_body = TokenRequest,
    responses(
        (status = 200, body = TokenAnswer, description = "A token"),
        (status = 400, body = Said, description = "The body is not what it has to be"),
        (status = 401, body = Said, description = "The credentials are wrong"),
        (status = 413, body = Said, description = "The body has more than 1 MB"),
        (status = 429, body = Said, description = "Wrong credentials or too many requests from this address"),
    ))]
pub async fn generate(body: web::Payload, state: web::Data<EngineState>) -> HttpResponse {
    let Ok(Ok(body)) = body.to_bytes_limited(super::BODY_LIMIT).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large");
    };
    let (app_id, app_secret) = match credentials(&body) {
        Ok(credentials) => credentials,
        Err(complaint) => return message(StatusCode::BAD_REQUEST, complaint),
    };
    if !state.applications().accept(&app_id, &app_secret) {
        state.counters().add(Count::RefusedCredentials);
        return message(StatusCode::UNAUTHORIZED, "The appId or appSecret is not valid.");
    }
    // A fresh token each time: a cached one with little life left breaks JS clients (1.3).
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "accessToken": state.tokens().issue(&app_id, unix_now_s()),
        "expiresIn": state.tokens().lifetime().as_secs(),
    }))
}

fn credentials(body: &[u8]) -> Result<(String, String), &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "The request body must be valid JSON")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match text("type") {
        None => return Err("\"type\" is required"),
        Some("application") => {}
        Some(_) => return Err("\"type\" must be one of [application]"),
    }
    let app_id = text("appId").ok_or("\"appId\" is required")?;
    let app_secret = text("appSecret").ok_or("\"appSecret\" is required")?;
    Ok((app_id.to_owned(), app_secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        for (body, expected) in [
            ("", "The request body must be valid JSON"),
            ("[]", "\"type\" is required"),
            (r#"{"type":"password","appId":"a","appSecret":"s"}"#, "\"type\" must be one of [application]"),
            (r#"{"type":"application","appSecret":"s"}"#, "\"appId\" is required"),
            (r#"{"type":"application","appId":7,"appSecret":"s"}"#, "\"appId\" is required"),
            (r#"{"type":"application","appId":"a","appSecret":""}"#, "\"appSecret\" is required"),
        ] {
            assert_eq!(credentials(body.as_bytes()).unwrap_err(), expected, "{body}");
        }
        let go = br#"{"type":"application","appId":"a","appSecret":"s","AuthURI":"x"}"#;
        assert_eq!(credentials(go).unwrap(), ("a".to_owned(), "s".to_owned()));
    }
}
