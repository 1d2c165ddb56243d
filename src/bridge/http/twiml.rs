//! `POST /twilio/twiml`: what a call is to do. Answered from within the process, whatever the upstream does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::form_body::{BadFormBody, FormBody};
use super::{trace_of, xml};
use crate::bridge::call::registry::{Announcement, CallPlan};
use crate::bridge::call::room::Room;
use crate::bridge::seconds_now;
use crate::bridge::services::{Services, Shared};
use crate::bridge::supervisor::AnnounceCall;
use crate::config::{Mode, WhenFull};
use crate::telemetry::events;
use crate::twilio::twiml::{self, ConferenceTwiml, SpokenText, StreamTwiml};
use crate::twilio::webhook::VoiceRequest;
use crate::twilio::{CallSid, Form};

/// Answers with TwiML; the same again for the same call.
pub async fn answer(
    request: HttpRequest,
    services: Data<Services>,
    FormBody(form): FormBody,
) -> Result<HttpResponse, BadFormBody> {
    let metrics = &services.shared.metrics;
    let call =
        announcement(&request, &form).map_err(|error| error.counted(metrics).logged(request.path()))?;
    let plan = services.shared.supervisor.send(AnnounceCall(call.clone())).await;
    let plan = plan.map_err(|_| BadFormBody::Ending)?;
    Ok(xml(document(&services.shared, &call, &plan)))
}

fn announcement(request: &HttpRequest, form: &Form) -> Result<Announcement, BadFormBody> {
    let voice = VoiceRequest::from_form(form)?;
    let query = Form::parse(request.query_string().as_bytes())?;
    let room = query.filled("room").map(Room::parse).transpose()?;
    let to = voice.to.user_id().unwrap_or_default().to_owned();
    let trace = trace_of(request);
    Ok(Announcement { call_sid: voice.call_sid, from: voice.from, to, room, trace })
}

fn document(shared: &Shared, call: &Announcement, plan: &CallPlan) -> String {
    let callbacks = Callbacks::of(shared);
    let conference = ConferenceTwiml {
        dial_action: Some(&callbacks.dial_done),
        start_on_enter: true,
        end_on_exit: shared.end_on_exit,
        status_callback: Some(&callbacks.conference),
        ..ConferenceTwiml::new(plan.room.as_str())
    };
    let announcement = shared
        .announcement
        .as_ref()
        .map(|spoken| SpokenText { text: &spoken.text, language: spoken.language.as_deref() });
    let streamed = plan.stream.ok().and_then(|stream| {
        let token = shared.stream_tokens.issue(&call.call_sid, stream, seconds_now());
        let name = stream_name(&call.call_sid, stream);
        let parameters = stream_parameters(call, &plan.room, &token);
        let stream = StreamTwiml {
            name: &name,
            url: &shared.media_url,
            status_callback: Some(&callbacks.stream),
            parameters: &parameters,
            announcement,
        };
        let document = match shared.mode {
            Mode::Conference => twiml::conference(&stream, &conference),
            Mode::ReceiveCall => twiml::connect_stream(&stream),
        };
        document.map_err(|error| not_streamed(&error.to_string())).ok()
    });
    streamed.unwrap_or_else(|| without_stream(shared, &conference))
}

/// Returns the name of a call's stream, which no other stream of the call has.
pub(in crate::bridge) fn stream_name(call_sid: &CallSid, stream: u32) -> String {
    format!("leg-{call_sid}-{stream}")
}

/// Returns what a stream says of its call when it comes.
pub(in crate::bridge) fn stream_parameters<'a>(
    call: &'a Announcement,
    room: &'a Room,
    token: &'a str,
) -> [(&'a str, &'a str); 4] {
    [
        ("from", call.from.user_id().unwrap_or_default()),
        ("to", &call.to),
        ("room", room.as_str()),
        ("token", token),
    ]
}

/// A call is not refused because it cannot be analysed, unless the operator wants it so: the caller still joins the
/// conference.
fn without_stream(shared: &Shared, conference: &ConferenceTwiml<'_>) -> String {
    if shared.when_full == WhenFull::Refuse {
        return twiml::reject_busy();
    }
    match shared.mode {
        Mode::Conference => twiml::conference_only(conference).unwrap_or_else(|error| {
            not_streamed(&error.to_string());
            twiml::hang_up()
        }),
        Mode::ReceiveCall => twiml::hang_up(),
    }
}

fn not_streamed(reason: &str) {
    events::CallNotStreamed { leg: None, reason }.emit();
}

/// Where Twilio reports what becomes of a call.
pub(in crate::bridge) struct Callbacks {
    pub(in crate::bridge) stream: String,
    conference: String,
    dial_done: String,
}

impl Callbacks {
    pub(in crate::bridge) fn of(shared: &Shared) -> Self {
        let page = |path| shared.public_url.page(path);
        Self {
            stream: page("/twilio/stream-events"),
            conference: page("/twilio/conference"),
            dial_done: page("/twilio/dial-done"),
        }
    }
}
