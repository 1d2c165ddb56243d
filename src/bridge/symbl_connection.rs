//! One leg's socket to the Symbl-protocol server. One actor a leg, on the thread of its media socket.
//!
//! [`Leg`] decides, this actor performs: it gets a token, opens the socket, and lets the pump pull frames. Audio waits
//! in the leg's buffer, never in the socket's, and stays there until the server answers the ping behind it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_web::web::Data;
use bytes::Bytes;

use super::call::leg::{Effect, Leg, LegEvent, LegExit, Millis, Outgoing, SocketEnd, Stage, millis};
use super::call::registry::LegPlan;
use super::call::upload::BYTES_PER_MS;
use super::leg_guard::LegGuard;
use super::leg_meter::LevelWriter;
use super::services::Services;
use super::supervisor::{LegConnected, LegInterrupted, LegResumed, MediaEnded};
use super::tell;
use super::twilio_stream::{StopLeg, TwilioStream};
use crate::recording::LegRecording;
use crate::symbl::Speaker;
use crate::symbl::server_message::{RecognitionResult, ServerMessage};
use crate::symbl::token::{AccessToken, TokenError};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::share::Share;
use crate::telemetry::metrics::tally::Tally;
use crate::telemetry::trace::TraceContext;
use crate::telemetry::{LegTags, events};
use crate::ws::client::{ClientSocket, ConnectError, Offer, connect};
use crate::ws::pump::{FrameWriter, Pumping, Session};
use crate::ws::{CloseCode, End, Incoming, close_reason};

/// Twenty seconds of audio. The mailbox is emptied at every wake-up, so it only fills if the thread stands still.
const MAILBOX: usize = 1024;

const STOP_REQUEST: &str = r#"{"type":"stop_request"}"#;

/// Decoded audio of the caller: mu-law, 8000 Hz, in order.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct Audio(pub Bytes);

/// The caller's audio ended.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct EndMedia(pub LegExit);

/// The actor.
pub struct SymblConnection {
    services: Data<Services>,
    leg: Leg,
    tags: Rc<LegTags>,
    connection_id: String,
    trace: Option<TraceContext>,
    speaker: Speaker,
    stream: Addr<TwilioStream>,
    began: Instant,
    timer: Option<SpawnHandle>,
    connecting: Option<SpawnHandle>,
    socket: Option<Pumping>,
    results: u64,
    dropping: bool,
    recording: Option<Rc<LegRecording>>,
    counted: Counted,
    levels: LevelWriter,
    end: LegGuard,
}

/// What of this leg the metrics know.
struct Counted {
    state: Share,
    sent: Tally,
    /// Bytes of those that were dropped.
    dropped: u64,
    /// Whether a receipt came since the last look at the clock.
    answered: bool,
}

impl Counted {
    fn new(metrics: &Metrics) -> Self {
        Self { state: metrics.legs.share(), sent: metrics.upstream.tally(), dropped: 0, answered: false }
    }
}

/// Why an attempt to connect failed.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl AttemptError {
    /// Returns the stable word for metrics.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Token(_) => "no_token",
            Self::Connect(ConnectError::Status { .. }) => "refused",
            Self::Connect(ConnectError::TimedOut(_)) => "timed_out",
            Self::Connect(ConnectError::Failed(_)) => "failed",
        }
    }

    /// 408, 429 and 5xx pass; another status will not change its mind, and neither will refused credentials.
    fn is_retryable(&self) -> bool {
        match self {
            Self::Token(error) => error.is_retryable(),
            Self::Connect(ConnectError::Status { status }) => matches!(status, 408 | 429 | 500..),
            Self::Connect(ConnectError::TimedOut(_) | ConnectError::Failed(_)) => true,
        }
    }
}

impl SymblConnection {
    /// Returns the connection of a leg that begins; `stream` is told when nobody listens any more.
    pub fn new(
        services: Data<Services>,
        plan: LegPlan,
        tags: Rc<LegTags>,
        stream: Addr<TwilioStream>,
        end: LegGuard,
        recording: Option<Rc<LegRecording>>,
    ) -> Self {
        Self {
            counted: Counted::new(&services.shared.metrics),
            leg: Leg::new(services.shared.limits, plan.leg.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            services,
            tags,
            connection_id: plan.connection_id,
            trace: plan.trace,
            speaker: plan.party.speaker,
            stream,
            began: Instant::now(),
            timer: None,
            connecting: None,
            socket: None,
            results: 0,
            dropping: false,
            recording,
            levels: LevelWriter::new(Arc::clone(end.meter())),
            end,
        }
    }

    /// Starts the actor on this thread.
    pub fn begin(self) -> Addr<Self> {
        Self::create(|ctx| {
            // Before it has run for the first time: the caller's next frames may be in the same read as `start`.
            ctx.set_mailbox_capacity(MAILBOX);
            self
        })
    }

    fn now(&self) -> Millis {
        millis(self.began.elapsed())
    }

    /// Tells the leg what happened and does what it decides.
    fn happen(&mut self, event: LegEvent, ctx: &mut Context<Self>) {
        let (is_receipt, is_look) = (matches!(event, LegEvent::Received(_)), matches!(event, LegEvent::Tick));
        for effect in self.leg.on_event(self.now(), event) {
            self.perform(effect, ctx);
        }
        self.counted.state.show(self.leg.stage().as_str());
        // A server that owes a receipt is looked at all the same.
        if is_receipt || is_look && !self.counted.answered && self.leg.stage() == Stage::Live {
            self.metrics().upstream.lag.observe(seconds(self.leg.upload().behind()));
            self.metrics().upstream.note_kept(seconds(self.leg.upload().most_behind()));
        }
        self.counted.answered = is_receipt || self.counted.answered && !is_look;
        self.levels.note(&self.leg);
        self.set_timer(ctx);
        if let Some(socket) = &self.socket {
            socket.wake();
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.services.shared.metrics
    }

    fn perform(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        let leg = Some(&*self.tags);
        match effect {
            Effect::Connect => self.connect(ctx),
            Effect::DropSocket => {
                if let Some(attempt) = self.connecting.take() {
                    ctx.cancel_future(attempt);
                }
                if let Some(socket) = self.socket.take() {
                    socket.abort(ctx);
                }
            }
            Effect::ReportConnected { conversation_id, buffered } => {
                let buffered_ms = (buffered / BYTES_PER_MS) as u64;
                let after_ms = self.now();
                self.metrics().upstream.connect_delay.observe(after_ms as f64 / 1000.0);
                events::LegConnected { leg, conversation_id: &conversation_id, after_ms, buffered_ms }.emit();
                tell(self.end.supervisor(), LegConnected { leg: self.end.leg(), conversation_id });
            }
            Effect::ReportInterrupted { why, unacknowledged } => {
                self.metrics().upstream.interruptions.add(why.as_str());
                let (reason, unacknowledged_ms) = (why.as_str(), unacknowledged / BYTES_PER_MS as u64);
                events::LegInterrupted { leg, reason, unacknowledged_ms }.emit();
                tell(self.end.supervisor(), LegInterrupted { leg: self.end.leg(), why });
            }
            Effect::ReportResumed { conversation_id, after, lost } => {
                let lost_ms = lost / BYTES_PER_MS as u64;
                self.metrics().upstream.interrupted.observe(after as f64 / 1000.0);
                events::LegResumed { leg, conversation_id: &conversation_id, after_ms: after, lost_ms }
                    .emit();
                let resumed =
                    LegResumed { leg: self.end.leg(), conversation_id, interrupted_ms: after, lost_ms };
                tell(self.end.supervisor(), resumed);
            }
            Effect::ReportRenamed { conversation_id } => {
                tell(self.end.supervisor(), LegConnected { leg: self.end.leg(), conversation_id });
            }
            Effect::ReportDropped { reason } => self.report_drop("connection_lost", reason),
            Effect::ReportMediaEnded(exit) => {
                let audio_ms = self.leg.upload().heard() / BYTES_PER_MS as u64;
                events::MediaEnded { leg, reason: exit.as_str(), audio_ms }.emit();
                if let Some(recording) = &self.recording {
                    recording.media_ended();
                }
                tell(self.end.supervisor(), MediaEnded { leg: self.end.leg(), exit });
            }
            Effect::ReportRetry { reason, pause } => {
                self.metrics().upstream.retries.inc();
                events::UpstreamRetry { leg, reason: &reason, in_ms: pause }.emit();
            }
            Effect::ReportFailed { reason } => {
                self.metrics().upstream.failures.inc();
                events::UpstreamFailed { leg, reason: &reason }.emit();
            }
            Effect::CloseMedia => {
                // A stream that is gone, or has more to read than that, ends by itself.
                let _ = self.stream.try_send(StopLeg(LegExit::UpstreamFailed));
            }
            Effect::ReportEnded(exit) => {
                let upload = self.leg.upload();
                let (most_behind, behind) = (seconds(upload.most_behind()), seconds(upload.behind()));
                self.metrics().upstream.leg_ended(most_behind, behind);
                let in_ms = |bytes: u64| bytes / BYTES_PER_MS as u64;
                events::LegEnded {
                    leg,
                    reason: exit.as_str(),
                    sent_ms: in_ms(upload.furthest_sent()),
                    dropped_ms: in_ms(upload.dropped()),
                    undelivered_ms: in_ms(upload.behind()),
                    most_behind_ms: in_ms(upload.most_behind()),
                    results: self.results,
                }
                .emit();
                if let Some(recording) = &self.recording {
                    recording.ended(exit.as_str());
                }
                self.end.end(exit);
                ctx.stop();
            }
        }
    }

    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(due) = self.leg.wake_at() {
            let wait = Duration::from_millis(due.saturating_sub(self.now()));
            self.timer = Some(ctx.run_later(wait, |connection, ctx| {
                connection.timer = None;
                connection.happen(LegEvent::Tick, ctx);
            }));
        }
    }

    fn connect(&mut self, ctx: &mut Context<Self>) {
        let services = self.services.clone();
        let connection_id = self.connection_id.clone();
        // Each attempt is a span of its own.
        let trace = self.trace.map(|trace| trace.with_span(unique_span()));
        let attempt = async move { open(&services, &connection_id, trace).await }.into_actor(self).map(
            |opened, connection, ctx| {
                connection.connecting = None;
                let result = opened.as_ref().map_or_else(AttemptError::as_str, |_| "opened");
                connection.metrics().upstream.attempts.add(result);
                match opened {
                    Ok(socket) => {
                        connection.socket = Some(socket.start(ctx));
                        connection.happen(LegEvent::Opened, ctx);
                    }
                    Err(error) => {
                        let (retry, reason) = (error.is_retryable(), error.to_string());
                        connection.happen(LegEvent::NotOpened { retry, reason }, ctx);
                    }
                }
            },
        );
        // The attempt is as large as its largest state; boxed, it is gone when it is over.
        self.connecting = Some(ctx.spawn(Box::pin(attempt)));
    }

    fn message(&mut self, text: &str, ctx: &mut Context<Self>) {
        let message = match ServerMessage::parse(text) {
            Ok(message) => message,
            Err(error) => {
                let reason = error.to_string();
                self.metrics().upstream.ignored.inc();
                return events::UpstreamMessageIgnored { leg: Some(&self.tags), reason: &reason }.emit();
            }
        };
        if let Some(id) = message.conversation_id().filter(|id| !id.is_empty()) {
            if let Some(recording) = &self.recording {
                recording.conversation(id);
            }
            self.happen(LegEvent::ConversationNamed(id.to_owned()), ctx);
        }
        match message {
            ServerMessage::StartedListening | ServerMessage::RecognitionStarted(_) => {
                self.happen(LegEvent::Acknowledged, ctx);
            }
            ServerMessage::ConversationCompleted(_) | ServerMessage::RecognitionStopped => {
                self.happen(LegEvent::Completed, ctx);
            }
            ServerMessage::RecognitionResult(result) => self.result(&result),
            ServerMessage::Error(error) => {
                self.metrics().upstream.errors.inc();
                let (error, details) = (&*error.message, &*error.details);
                events::UpstreamError { leg: Some(&self.tags), error, details }.emit();
            }
            // Dashboards get these from the server itself.
            _ => {}
        }
    }

    fn result(&mut self, result: &RecognitionResult) {
        if !result.is_final {
            return;
        }
        self.results += 1;
        self.metrics().upstream.results.inc();
        if self.services.shared.log_transcripts {
            let text = &result.punctuated.transcript;
            events::Transcript { leg: Some(&self.tags), text }.emit();
        }
    }

    fn ended(&mut self, end: &End, ctx: &mut Context<Self>) {
        self.socket = None;
        self.metrics().upstream.closes.add(manner(end));
        let how = match end {
            End::Closed(reason) => SocketEnd::Closed(reason.as_ref().map(|reason| reason.code.into())),
            End::Lost(_) => SocketEnd::Lost,
            End::Fault(_) => SocketEnd::Fault,
        };
        self.happen(LegEvent::SocketEnded { end: how, reason: end.to_string() }, ctx);
    }
}

/// Returns how long so much audio lasts.
fn seconds(bytes: u64) -> f64 {
    bytes as f64 / (1000 * BYTES_PER_MS) as f64
}

/// Returns the stable word for how a socket ended: its close code, if it is one of the usual.
fn manner(end: &End) -> &'static str {
    let code = match end {
        End::Closed(Some(reason)) => reason.code.into(),
        End::Closed(None) => return "no_code",
        End::Lost(_) => return "lost",
        End::Fault(_) => return "fault",
    };
    match code {
        1000 => "1000",
        1001 => "1001",
        1002 => "1002",
        1003 => "1003",
        1007 => "1007",
        1008 => "1008",
        1009 => "1009",
        1011 => "1011",
        1012 => "1012",
        1013 => "1013",
        _ => "other_code",
    }
}

/// Returns a number for a span; spans of one trace must differ, nothing more.
fn unique_span() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}

/// Gets a token and opens a leg's socket; a token that the handshake refuses is renewed once.
async fn open(
    services: &Services,
    connection_id: &str,
    trace: Option<TraceContext>,
) -> Result<ClientSocket, AttemptError> {
    let shared = &services.shared;
    let token = shared.tokens.token(&services.http).await?;
    match handshake(services, connection_id, &token, trace).await {
        Err(ConnectError::Status { status: 401 }) => {
            let token = shared.tokens.renew(&token, &services.http).await?;
            Ok(handshake(services, connection_id, &token, trace).await?)
        }
        opened => Ok(opened?),
    }
}

async fn handshake(
    services: &Services,
    connection_id: &str,
    token: &AccessToken,
    trace: Option<TraceContext>,
) -> Result<ClientSocket, ConnectError> {
    let shared = &services.shared;
    let url = shared.upstream.streaming(connection_id, token.expose());
    let trace = trace.map(|trace| trace.to_string());
    let offer = Offer { bearer: Some(token.expose()), traceparent: trace.as_deref() };
    connect(&services.http, &url, offer, shared.connect_timeout).await
}

impl Session for SymblConnection {
    fn write(&mut self, frames: &mut FrameWriter<'_>) {
        let now = self.now();
        // In one write with the frame that follows it.
        if let Some(position) = self.leg.next_ping(now) {
            frames.ping(position.to_string().as_bytes());
        }
        match self.leg.next_frame(now) {
            Some(Outgoing::StartRequest) => {
                frames.text(&self.services.shared.start_template.render(&self.speaker));
            }
            Some(Outgoing::Audio(audio)) => {
                frames.binary(audio);
                let count = audio.len();
                self.leg.mark_sent(count);
                self.counted.sent.add(count);
            }
            Some(Outgoing::Ping(position)) => frames.ping(position.to_string().as_bytes()),
            Some(Outgoing::StopRequest) => frames.text(STOP_REQUEST),
            Some(Outgoing::Close) => frames.close(close_reason(CloseCode::Normal, "")),
            None => {}
        }
    }

    fn receive(&mut self, incoming: Incoming, ctx: &mut Context<Self>) {
        match incoming {
            Incoming::Text(text) => self.message(&text, ctx),
            Incoming::Pong(position) => {
                // A pong that nobody asked for says nothing.
                let position = std::str::from_utf8(&position).ok().and_then(|digits| digits.parse().ok());
                if let Some(position) = position {
                    self.happen(LegEvent::Received(position), ctx);
                }
            }
            Incoming::Ended(end) => self.ended(&end, ctx),
            Incoming::Binary(_) => {}
        }
    }
}

impl Actor for SymblConnection {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.end.begun();
        self.happen(LegEvent::Begin, ctx);
    }
}

impl Handler<Audio> for SymblConnection {
    type Result = ();

    /// Only keeps the audio: the pump is polled right after the mailbox is empty, and takes all that waits at once.
    fn handle(&mut self, Audio(audio): Audio, _: &mut Self::Context) {
        let dropped = self.leg.hear(&audio);
        self.levels.hear(&audio);
        self.levels.note(&self.leg);
        if dropped > 0 {
            self.report_drop("buffer_full", "audio.buffer_seconds is reached");
        } else {
            self.dropping = false;
        }
    }
}

impl Handler<EndMedia> for SymblConnection {
    type Result = ();

    fn handle(&mut self, EndMedia(exit): EndMedia, ctx: &mut Self::Context) {
        self.happen(LegEvent::MediaEnded(exit), ctx);
    }
}

impl SymblConnection {
    /// Logs the first of a run of drops; the leg's end tells the sum.
    fn report_drop(&mut self, word: &'static str, reason: &'static str) {
        let dropped = self.leg.upload().dropped();
        let more = dropped - std::mem::replace(&mut self.counted.dropped, dropped);
        self.metrics().media.dropped.add(word, seconds(more));
        if !std::mem::replace(&mut self.dropping, true) {
            let dropped_ms = self.leg.upload().dropped() / BYTES_PER_MS as u64;
            events::AudioDropped { leg: Some(&self.tags), dropped_ms, reason }.emit();
        }
    }
}
