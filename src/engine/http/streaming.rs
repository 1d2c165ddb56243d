//! A leg's socket: `/v1/realtime/insights/{connectionId}` and `/v1/streaming/{connectionId}` (`symbl-protocol` 2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Handler, StreamHandler, WrapFuture};
use actix_http::ws::{Message, ProtocolError};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::WebsocketContext;
use bytes::Bytes;
use log::{debug, warn};

use super::handshake::{self, Admission};
use super::leg::{Effect, Leg};
use super::listening::Listening;
use super::socket::{self, SocketActor, SocketParts};
use crate::engine::EngineState;
use crate::engine::conversation::actor::{EarChanged, EndLeg, EntitiesWanted, Join, LegStarted, LegStopped};
use crate::engine::counters::Count;
use crate::engine::directory::{Role, Seat};
use crate::engine::hearing::{AudioFormat, HearingRefusal};
use crate::symbl::client_message::{ClientMessage, PONG, StartRequest};
use crate::symbl::server_message::{ErrorEnvelope, ErrorMessage, ServerMessage};
use crate::ws::outbox::{Flush, Outbox, Worth};
use crate::ws::socket_handle::SocketHandle;
use crate::ws::{CloseCode, Incoming, server};

/// How often idleness is checked.
const IDLE_CHECK: Duration = Duration::from_secs(15);

/// Opens a leg.
pub async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<EngineState>,
) -> Result<HttpResponse, Error> {
    let admission = match handshake::admit(&request, &state, Role::Leg).await {
        Ok(admission) => admission,
        Err(refusal) => return Ok(refusal),
    };
    // Rather one leg refused than all legs going bad, and rather later than deaf. Without any recogniser calls still
    // join and end.
    let text = match state.hearing().check_capacity() {
        Err(HearingRefusal::Overloaded) => Some("All speech recognition capacity is in use."),
        Err(HearingRefusal::Loading) => Some("The speech model is being loaded; try again in a moment."),
        Err(HearingRefusal::Unavailable) | Ok(()) => None,
    };
    if let Some(text) = text {
        warn!(trace_id = admission.trace_id; "a leg was refused: {text}");
        drop(admission);
        state.counters().add(Count::RefusedCapacity);
        return Ok(handshake::refuse(&request, &state, StatusCode::SERVICE_UNAVAILABLE, text).await);
    }
    let Admission { seat, token_left, subprotocol, trace_id } = admission;
    let frame_limit = state.settings().limits.text_message;
    let leg = |shell| LegSocket {
        parts: SocketParts::new(shell, trace_id),
        handle: SocketHandle::of(&request),
        state: EngineState::clone(&state),
        seat,
        token_left,
        leg: Leg::default(),
        listening: Listening::default(),
        active_at: Instant::now(),
        has_complained_of_deafness: false,
    };
    state.counters().add(Count::LegOpened);
    server::accept(leg, &request, payload, frame_limit, subprotocol.as_deref())
}

struct LegSocket {
    parts: SocketParts,
    handle: Option<SocketHandle>,
    state: EngineState,
    seat: Seat,
    token_left: Duration,
    leg: Leg,
    listening: Listening,
    /// When the leg opened, or the latest audio came.
    active_at: Instant,
    has_complained_of_deafness: bool,
}

impl LegSocket {
    fn perform(&mut self, effects: Vec<Effect>, ctx: &mut WebsocketContext<Self>) {
        for effect in effects {
            match effect {
                Effect::Pong => self.send(PONG.to_owned()),
                Effect::Complain(error) => self.send(error.to_json(ErrorEnvelope::Flat)),
                Effect::Fail(error, code) => self.fail(&error, code),
                Effect::Begin(request, format) => self.begin(request, format, ctx),
                Effect::BeginAgain(request) => self.tell_started(request, None),
                Effect::ChangeFormat(format) => self.change_format(format, ctx),
                Effect::ReportEntities(is_wanted) => self.tell(EntitiesWanted(is_wanted)),
                Effect::Modified(format) => {
                    self.send(ServerMessage::SessionModified(format.to_wire()).to_json())
                }
                Effect::Stop(then) => {
                    self.listening.finish();
                    let id = self.seat.socket();
                    self.tell(LegStopped { id, then });
                }
                Effect::AwaitPauseEnd(pause, time) => {
                    ctx.run_later(time, move |socket, ctx| {
                        let effects = socket.leg.pause_expired(pause);
                        socket.perform(effects, ctx);
                    });
                }
                Effect::Close(code, why) => self.close(code, why),
            }
        }
    }

    fn begin(&mut self, request: Box<StartRequest>, format: AudioFormat, ctx: &mut WebsocketContext<Self>) {
        self.active_at = Instant::now();
        match self.open_ear(format) {
            Ok(ear) => self.tell_started(request, Some(ear)),
            Err(HearingRefusal::Overloaded) => {
                let effects = self.leg.on_deaf();
                self.perform(effects, ctx);
            }
            Err(HearingRefusal::Unavailable | HearingRefusal::Loading) => {
                self.tell_started(request, None);
                if !std::mem::replace(&mut self.has_complained_of_deafness, true) {
                    let error = ErrorMessage {
                        message: "Speech recognition is unavailable.".to_owned(),
                        details: "The conversation goes on without transcripts.".to_owned(),
                    };
                    self.perform(vec![Effect::Complain(error)], ctx);
                }
            }
        }
    }

    fn change_format(&mut self, format: AudioFormat, ctx: &mut WebsocketContext<Self>) {
        match self.open_ear(format) {
            Ok(ear) => {
                let id = self.seat.socket();
                self.tell(EarChanged { id, ear });
            }
            Err(HearingRefusal::Unavailable | HearingRefusal::Loading) => {}
            Err(HearingRefusal::Overloaded) => {
                let effects = self.leg.on_deaf();
                self.perform(effects, ctx);
            }
        }
    }

    fn open_ear(&mut self, format: AudioFormat) -> Result<u32, HearingRefusal> {
        let (leg, conversation) = (self.seat.socket(), self.seat.conversation());
        self.listening.open(self.state.hearing(), format, leg, conversation)
    }

    fn hear(&mut self, audio: &Bytes, ctx: &mut WebsocketContext<Self>) {
        if audio.len() > self.state.settings().limits.audio_message {
            return self.close(CloseCode::Size, "audio messages have at most 64 KiB");
        }
        if self.leg.is_listening() {
            self.active_at = Instant::now();
            if let Some(pause) = self.listening.hear(audio) {
                // Not reading is what slows the sender down; dropping would lose words.
                ctx.wait(actix_web::rt::time::sleep(pause).into_actor(self));
            }
        }
    }

    fn fail(&mut self, error: &ErrorMessage, code: CloseCode) {
        self.listening.finish();
        self.send(error.to_json(ErrorEnvelope::Wrapped));
        self.send(error.to_json(ErrorEnvelope::Flat));
        self.close(code, "see the error message");
    }

    fn tell_started(&mut self, request: Box<StartRequest>, ear: Option<u32>) {
        let id = self.seat.socket();
        let request = Arc::from(request);
        self.tell(LegStarted { id, request, ear });
    }

    /// Tells the conversation something that a client caused, so that a flood of it ends at the conversation's bound.
    fn tell<M>(&mut self, message: M)
    where
        M: actix::Message<Result = ()> + Send + 'static,
        crate::engine::conversation::Conversation: Handler<M>,
    {
        if let Err(error) = self.seat.conversation().try_send(message) {
            warn!(leg:% = self.seat.socket(), trace_id = self.parts.trace_id, error:% = error; "a leg lost its conversation");
            self.close(CloseCode::Error, "the conversation does not answer");
        }
    }

    fn send(&self, text: String) {
        if let Some(outbox) = &self.parts.outbox {
            outbox.text(text, Worth::Needed);
        }
    }

    fn close(&self, code: CloseCode, why: &'static str) {
        if let Some(outbox) = &self.parts.outbox {
            outbox.close(code, why, Duration::ZERO);
        }
    }
}

impl SocketActor for LegSocket {
    fn parts(&mut self) -> &mut SocketParts {
        &mut self.parts
    }

    fn seat(&self) -> &Seat {
        &self.seat
    }
}

impl Actor for LegSocket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(socket::MAILBOX);
        let settings = self.state.settings();
        let wake = ctx.address().recipient();
        let outbox = Outbox::new(settings.limits.leg_outbox, wake, self.handle.take());
        self.parts.outbox = Some(outbox.clone());
        socket::keep_alive(ctx, settings.timers.ping_interval);
        if settings.close_at_token_expiry {
            socket::close_at_expiry(ctx, self.token_left);
        }
        let idle = settings.timers.idle;
        ctx.run_interval(IDLE_CHECK.min(idle), move |socket, ctx| {
            if socket.active_at.elapsed() >= idle {
                let effects = socket.leg.on_idle();
                socket.perform(effects, ctx);
            }
        });
        self.tell(Join { id: self.seat.socket(), outbox, end_leg: Some(ctx.address().recipient()) });
        debug!(leg:% = self.seat.socket(), trace_id = self.parts.trace_id; "leg opened");
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // What was heard before the socket broke still becomes words for the others.
        self.listening.finish();
        debug!(leg:% = self.seat.socket(), trace_id = self.parts.trace_id; "leg closed");
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for LegSocket {
    fn handle(&mut self, item: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        self.parts.is_alive();
        match self.parts.shell.receive(item, ctx) {
            Some(Incoming::Text(text)) => {
                let effects = self.leg.on_message(ClientMessage::parse(&text));
                self.perform(effects, ctx);
            }
            Some(Incoming::Binary(audio)) => self.hear(&audio, ctx),
            Some(Incoming::Ended(end)) => {
                debug!(leg:% = self.seat.socket(), trace_id = self.parts.trace_id, end:% = end; "leg ended")
            }
            Some(Incoming::Pong(_)) | None => {}
        }
        socket::flush(self, ctx);
    }
}

impl Handler<Flush> for LegSocket {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) {
        socket::flush(self, ctx);
    }
}

impl Handler<EndLeg> for LegSocket {
    type Result = ();

    fn handle(&mut self, message: EndLeg, ctx: &mut Self::Context) {
        let effects = self.leg.end(message.then);
        self.perform(effects, ctx);
        socket::flush(self, ctx);
    }
}
