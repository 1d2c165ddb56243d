//! `GET /symbl/legs`: how live legs stand, for a page that shows a call while it lasts.
//!
//! Asked for again and again instead of pushed: whoever looks at one call wants its levels twice a second, everybody else
//! wants none, and who missed a second has missed nothing.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::watchers::NotAdmitted;
use crate::bridge::leg_on_page::{LegOnPage, on_page};
use crate::bridge::services::Services;
use crate::bridge::supervisor::ReadMeters;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Legs {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    at: Timestamp,
    legs: Vec<Shown>,
}

/// A leg of this node, or of another, which wrote it itself.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Here(LegOnPage),
    Elsewhere(Box<RawValue>),
}

/// `GET /symbl/legs`: all live legs, without levels.
///
/// # Errors
///
/// Whoever may not watch learns nothing.
pub async fn all(request: HttpRequest, services: Data<Services>) -> Result<HttpResponse, NotAdmitted> {
    services.shared.watchers.admit_page(&request)?;
    Ok(answer(&services, None).await)
}

/// `GET /symbl/legs/{connectionId}`: those of one conference, with levels.
///
/// # Errors
///
/// Whoever may not watch learns nothing.
pub async fn of_connection(
    request: HttpRequest,
    services: Data<Services>,
    connection_id: Path<String>,
) -> Result<HttpResponse, NotAdmitted> {
    services.shared.watchers.admit_page(&request)?;
    Ok(answer(&services, Some(connection_id.into_inner())).await)
}

async fn answer(services: &Services, connection_id: Option<String>) -> HttpResponse {
    let ask = ReadMeters { connection_id: connection_id.clone() };
    let Ok(legs) = services.shared.supervisor.send(ask).await else {
        return HttpResponse::ServiceUnavailable().json(json!({ "message": "the server is shutting down" }));
    };
    let elsewhere = services.shared.cluster.legs_elsewhere(connection_id.as_deref()).get().await;
    if connection_id.is_some() && legs.is_empty() && elsewhere.is_empty() {
        let message = "no live leg has this connectionId; /symbl/legs lists those that are up";
        return HttpResponse::NotFound().json(json!({ "message": message }));
    }
    let with_levels = connection_id.is_some();
    let here = legs.into_iter().map(|leg| Shown::Here(on_page(leg, with_levels)));
    let legs = here.chain(elsewhere.into_iter().map(Shown::Elsewhere)).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Legs {
        connection_id,
        at: Timestamp::now(),
        legs,
    })
}
