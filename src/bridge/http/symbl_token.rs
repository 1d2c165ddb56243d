//! `POST /symbl/token`: lets a dashboard in at the Symbl-protocol server, without its knowing our credentials.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;

use super::watchers::NotAdmitted;
use crate::bridge::services::Services;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SymblAccess<'a> {
    access_token: &'a str,
    /// Seconds; a token that is older asks for another.
    expires_in: u64,
    /// Where the server is; empty: here.
    api_base_url: &'a str,
}

/// Answers with a token for the Subscribe and the Conversation API.
///
/// # Errors
///
/// Whoever may not watch gets none.
pub async fn issue(request: HttpRequest, services: Data<Services>) -> Result<HttpResponse, NotAdmitted> {
    let shared = &services.shared;
    shared.watchers.admit_page(&request)?;
    Ok(match shared.tokens.token(&services.http).await {
        Ok(token) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(SymblAccess {
            access_token: token.expose(),
            expires_in: token.seconds_left(),
            api_base_url: shared.public_upstream.as_deref().unwrap_or_default(),
        }),
        Err(error) => HttpResponse::ServiceUnavailable()
            .json(json!({ "message": format!("the Symbl-protocol server gave no access token: {error}") })),
    })
}
