//! Signing in to the dashboard: the access token once, a cookie from then on.

use actix_web::dev::RequestHead;
use actix_web::guard::GuardContext;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded;

use super::watchers::{COOKIE, SESSION_SECONDS};
use crate::bridge::seconds_now;
use crate::bridge::services::Services;

const WRONG_TOKEN: &str =
    "this is not the access token. The server prints it at its start; updates.token sets it";

/// The body of `POST /symbl/session`.
#[derive(Deserialize)]
pub struct SignIn {
    token: SecretString,
}

/// What a page may know before, and after, it is signed in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    signed_in: bool,
    token_needed: bool,
    is_public: bool,
    version: &'static str,
    /// The number to dial.
    number: Option<String>,
    webhooks: Option<Webhooks>,
}

/// What the number's webhooks are to be.
#[derive(Serialize)]
struct Webhooks {
    call: String,
    status: String,
}

/// Guard: the link that is printed at the start leads to the page's address with a token.
pub fn has_token(context: &GuardContext<'_>) -> bool {
    token_of(context.head()).is_some()
}

/// `GET /?token=`: signs in and leads to the page's address without it.
pub async fn arrive(request: HttpRequest, services: Data<Services>) -> HttpResponse {
    let token = token_of(request.head()).unwrap_or_default();
    let watchers = &services.shared.watchers;
    let to_the_page = || {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((LOCATION, "/")).insert_header((CACHE_CONTROL, "no-store"));
        response
    };
    if !watchers.need_token() {
        return to_the_page().finish();
    }
    match watchers.sign_in(&token, seconds_now()) {
        Some(session) => {
            to_the_page().insert_header((SET_COOKIE, cookie(&session, &request, &services))).finish()
        }
        // A status that the front door counts: who guesses is slowed down.
        None => HttpResponse::Unauthorized()
            .content_type("text/html; charset=utf-8")
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header(("Content-Security-Policy", "default-src 'none'"))
            .body(format!(
                "<!doctype html><title>symbl-bridge</title><p>{WRONG_TOKEN}.<p><a href=\"/\">Sign in</a>\n"
            )),
    }
}

/// `POST /symbl/session`: signs in.
pub async fn sign_in(request: HttpRequest, services: Data<Services>, body: Json<SignIn>) -> HttpResponse {
    let watchers = &services.shared.watchers;
    if !watchers.need_token() {
        return HttpResponse::NoContent().finish();
    }
    match watchers.sign_in(body.token.expose_secret().trim(), seconds_now()) {
        Some(session) => HttpResponse::NoContent()
            .insert_header((SET_COOKIE, cookie(&session, &request, &services)))
            .finish(),
        None => HttpResponse::Unauthorized().json(json!({ "message": WRONG_TOKEN })),
    }
}

/// `DELETE /symbl/session`: signs out.
pub async fn sign_out() -> HttpResponse {
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    HttpResponse::NoContent().insert_header((SET_COOKIE, gone)).finish()
}

/// `GET /symbl/session`: whether the page is signed in, and what it can tell a newcomer to do.
pub async fn show(request: HttpRequest, services: Data<Services>) -> HttpResponse {
    let shared = &services.shared;
    let signed_in = shared.watchers.admit_page(&request).is_ok();
    let webhooks = signed_in.then(|| Webhooks {
        call: shared.public_url.page("/twilio/twiml"),
        status: shared.public_url.page("/twilio/statuschange"),
    });
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Session {
        signed_in,
        token_needed: shared.watchers.need_token(),
        is_public: shared.is_public,
        version: env!("CARGO_PKG_VERSION"),
        number: shared.number.as_ref().filter(|_| signed_in).map(|number| number.as_str().to_owned()),
        webhooks,
    })
}

fn cookie(session: &str, request: &HttpRequest, services: &Services) -> String {
    let secure = if services.shared.watchers.is_encrypted(request) { "; Secure" } else { "" };
    // Lax, not Strict: who comes by a link from a chat is signed in on the first page already.
    format!("{COOKIE}={session}; HttpOnly; SameSite=Lax; Path=/; Max-Age={SESSION_SECONDS}{secure}")
}

fn token_of(head: &RequestHead) -> Option<String> {
    let query = head.uri.query()?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
}
