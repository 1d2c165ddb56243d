//! The live dashboard's page: static files that are part of the program.
//!
//! The page is written in plain ES modules under `page/`, without a build step and without dependencies, and uses public
//! interfaces only: `/symbl/updates`, the Subscribe API, the Conversation API. This room serves the files and says, in a
//! Content-Security-Policy, whom the page may talk to. It knows nothing of calls.

pub mod files;
pub mod policy;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use files::{File, Files};
use policy::Policy;

/// What is answered for a file that does not exist.
const NO_SUCH_FILE: &str = "the dashboard has no such file; its page is at /\n";

/// The page, ready to be served.
#[derive(Debug)]
pub struct Dashboard {
    files: Files,
    policy: Policy,
}

impl Dashboard {
    /// Makes the page; `upstream` is the address of a Symbl-protocol server that the page talks to directly, none for the
    /// engine in this process.
    pub fn new(upstream: Option<&str>) -> Self {
        Self { files: Files::default(), policy: Policy::new(upstream) }
    }
}

/// Adds `GET /` and `GET /dashboard/{file}`.
pub fn configure(routes: &mut ServiceConfig, dashboard: Data<Dashboard>) {
    routes
        .app_data(dashboard)
        .service(web::resource("/").get(page).route(web::head().to(page)))
        .service(web::resource("/dashboard/{file}").get(file).route(web::head().to(file)));
}

/// `GET /`: the page.
async fn page(request: HttpRequest, dashboard: Data<Dashboard>) -> HttpResponse {
    answer(&request, &dashboard, "index.html")
}

/// `GET /dashboard/{file}`: what the page is made of.
async fn file(request: HttpRequest, dashboard: Data<Dashboard>, name: web::Path<String>) -> HttpResponse {
    answer(&request, &dashboard, &name)
}

fn answer(request: &HttpRequest, dashboard: &Dashboard, name: &str) -> HttpResponse {
    let Some(file) = dashboard.files.find(name) else {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(NO_SUCH_FILE);
    };
    let mut response =
        if has_already(request.headers(), file) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, file.etag.as_str()))
        // A page and its modules must be of one version: each is asked for again, and answered with 304 mostly.
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "same-origin"));
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&dashboard.policy.for_host(host)) {
        response.insert_header((CONTENT_SECURITY_POLICY, policy));
    }
    if has_already(request.headers(), file) {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, file.content_type)).body(file.bytes)
}

fn has_already(headers: &HeaderMap, file: &File) -> bool {
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == file.etag || tag == "*")
}

#[cfg(test)]
mod tests;
