//! Pages of other origins that `updates.origins` lists: they may ask for what dashboards need, with the access token.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use crate::bridge::services::Services;

/// Middleware: answers preflights, and tells listed origins that they may read the answer. Cookies never cross: such a page
/// shows the token itself.
///
/// # Errors
///
/// Those of what it wraps.
pub async fn allow(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = request.headers().get(header::ORIGIN).filter(|origin| is_listed(&request, origin)).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        request.into_response(HttpResponse::NoContent().finish())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(response)
}

fn is_listed(request: &ServiceRequest, origin: &HeaderValue) -> bool {
    let services = request.app_data::<Data<Services>>();
    services
        .zip(origin.to_str().ok())
        .is_some_and(|(services, origin)| services.shared.watchers.lists(origin))
}
