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

use super::watchers::NotAdmitted;
use crate::bridge::call::leg::Stage;
use crate::bridge::call::update::LegView;
use crate::bridge::services::Services;
use crate::bridge::supervisor::{LegNow, ReadMeters};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Legs {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    at: Timestamp,
    legs: Vec<LegOnPage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegOnPage {
    #[serde(flatten)]
    view: LegView,
    role: &'static str,
    state: Stage,
    /// Audio that the caller's stream has carried.
    streamed_ms: u64,
    /// Audio that the server has not acknowledged.
    lag_ms: u64,
    #[serde(flatten)]
    levels: Option<Levels>,
}

/// Peaks of 100 ms each, in dB of full scale.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Levels {
    levels: Vec<i8>,
    /// The position of the end of the last, on the clock of `streamedMs`.
    levels_end_ms: u64,
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
    if connection_id.is_some() && legs.is_empty() {
        let message = "no live leg has this connectionId; /symbl/legs lists those that are up";
        return HttpResponse::NotFound().json(json!({ "message": message }));
    }
    let with_levels = connection_id.is_some();
    let legs = legs.into_iter().map(|leg| on_page(leg, with_levels)).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Legs {
        connection_id,
        at: Timestamp::now(),
        legs,
    })
}

fn on_page(LegNow { leg, reading }: LegNow, with_levels: bool) -> LegOnPage {
    let levels = Levels { levels: reading.levels, levels_end_ms: reading.levels_end_ms };
    LegOnPage {
        view: leg.view,
        role: leg.role.as_str(),
        state: reading.stage,
        streamed_ms: reading.streamed_ms,
        lag_ms: reading.lag_ms,
        levels: with_levels.then_some(levels),
    }
}
