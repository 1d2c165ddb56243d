//! What became of calls, streams and conferences: told in any order, more than once, and of calls nobody knows.
//!
//! Each is answered, and none opens anything: a leg begins at the media socket only (`twilio-protocol` 3.6).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::form_body::{BadFormBody, FormBody};
use super::xml;
use crate::bridge::services::{Services, tags};
use crate::bridge::supervisor::{CallEnded, StreamStopped, TagsOfCall};
use crate::telemetry::{LegTags, events};
use crate::twilio::form::BadForm;
use crate::twilio::webhook::{CallStatusUpdate, ConferenceStatus, DialDone, StreamEvent, StreamStatus};
use crate::twilio::{CallSid, twiml};

/// `POST /twilio/statuschange`: the number's and each call's status callback.
pub async fn call_status(
    request: HttpRequest,
    services: Data<Services>,
    FormBody(form): FormBody,
) -> Result<HttpResponse, BadFormBody> {
    let Some(update) = understand(&request, CallStatusUpdate::from_form(&form)) else { return Ok(noted()) };
    let leg = tags_of(&services, &update.call_sid).await;
    events::CallStatusReported { leg: Some(&leg), status: update.status.as_str() }.emit();
    if update.status.is_terminal() {
        let ended = services.shared.supervisor.send(CallEnded(update.call_sid)).await;
        ended.map_err(|_| BadFormBody::Ending)?;
    }
    Ok(noted())
}

/// `POST /twilio/stream-events`: a media stream began, ended or failed.
pub async fn stream_status(
    request: HttpRequest,
    services: Data<Services>,
    FormBody(form): FormBody,
) -> Result<HttpResponse, BadFormBody> {
    let Some(report) = understand(&request, StreamStatus::from_form(&form)) else { return Ok(noted()) };
    let leg = tags_of(&services, &report.call_sid).await;
    let error = report.error.as_deref().unwrap_or_default();
    if report.event == StreamEvent::Error {
        services.shared.metrics.media.stream_errors.inc();
    }
    events::StreamStatusReported { leg: Some(&leg), status: report.event.as_str(), error }.emit();
    if let Some(reattach) = &services.shared.reattach {
        match report.event {
            StreamEvent::Error => reattach.stream_ended(&report.call_sid, true),
            StreamEvent::Stopped => reattach.stream_ended(&report.call_sid, false),
            StreamEvent::Started | StreamEvent::Other(_) => {}
        }
    }
    if report.event == StreamEvent::Stopped
        && let Some(stream_sid) = report.stream_sid
    {
        let stopped = services.shared.supervisor.send(StreamStopped(stream_sid)).await;
        stopped.map_err(|_| BadFormBody::Ending)?;
    }
    Ok(noted())
}

/// `POST /twilio/conference`: something happened in a conference.
pub async fn conference_status(
    request: HttpRequest,
    FormBody(form): FormBody,
) -> Result<HttpResponse, BadFormBody> {
    let Some(report) = understand(&request, ConferenceStatus::from_form(&form)) else { return Ok(noted()) };
    let call_sid = report.call_sid.as_ref().map_or("", CallSid::as_str);
    let leg = tags(call_sid, "", "", report.friendly_name.as_str());
    events::ConferenceStatusReported { leg: Some(&leg), status: report.event.as_str() }.emit();
    Ok(noted())
}

/// `POST /twilio/dial-done`: a caller has left the conference, and Twilio asks what now.
pub async fn dial_done(
    request: HttpRequest,
    services: Data<Services>,
    FormBody(form): FormBody,
) -> Result<HttpResponse, BadFormBody> {
    if let Some(done) = understand(&request, DialDone::from_form(&form))
        && done.call_status.is_terminal()
    {
        let ended = services.shared.supervisor.send(CallEnded(done.call_sid)).await;
        ended.map_err(|_| BadFormBody::Ending)?;
    }
    Ok(xml(twiml::hang_up()))
}

/// Returns the report; one that says nothing of use is logged, and answered all the same.
fn understand<T>(request: &HttpRequest, report: Result<T, BadForm>) -> Option<T> {
    let refused = |error| {
        let refusal = BadFormBody::from(error).logged(request.path());
        if let Some(services) = request.app_data::<Data<Services>>() {
            refusal.counted(&services.shared.metrics);
        }
    };
    report.map_err(refused).ok()
}

fn noted() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

async fn tags_of(services: &Services, call_sid: &CallSid) -> LegTags {
    let known = services.shared.supervisor.send(TagsOfCall(call_sid.clone())).await;
    known.unwrap_or_else(|_| LegTags { call_sid: call_sid.as_str().into(), ..LegTags::default() })
}
