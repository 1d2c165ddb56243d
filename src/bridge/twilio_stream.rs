//! One media socket: Twilio's frames in, decoded audio to the leg's connection. One actor a socket.
//!
//! The socket proves itself with `start`, which carries the stream token of a webhook; until then nothing is
//! believed and little is kept. From then on the audio path is: scan the message, decode the payload into a buffer that
//! is used again, hand the bytes to the connection on the same thread.

mod refusal;

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use actix_web::web::Data;
use bytes::BytesMut;

use super::call::leg::LegExit;
use super::call::registry::{Announcement, LegPlan, StreamStart};
use super::call::room::Room;
use super::leg_guard::LegGuard;
use super::recorded;
use super::services::{Services, tags};
use super::supervisor::{SocketOpened, StartLeg};
use super::symbl_connection::{Audio, EndMedia, SymblConnection};
use super::{seconds_now, tell};
use crate::recording::LegRecording;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::doors::Door;
use crate::telemetry::metrics::tally::Tally;
use crate::telemetry::trace::TraceContext;
use crate::telemetry::{LegTags, events};
use crate::twilio::continuity::Sequence;
use crate::twilio::media::{MediaFormat, parse, scan_media};
use crate::twilio::{
    BadStreamMessage, CallSid, Caller, Continuity, Media, Start, StreamMessage, StreamSid, Track, Verdict,
    decode_payload,
};
use crate::ws::crowd::Place;
use crate::ws::direct::Line;
use crate::ws::pump::{FrameWriter, Session};
use crate::ws::socket_handle::SocketHandle;
use crate::ws::{CloseCode, End, Incoming};
use refusal::Refusal;

/// A media message is 400 bytes; a `start` with 99 parameters of 500 characters is 50 KB.
pub const MESSAGE_LIMIT: usize = 64 * 1024;

/// Messages of our own that may wait: one `StopLeg` for each way a leg can end, and some.
const MAILBOX: usize = 16;

/// Messages that are kept or forgiven before `start`, and messages in a row that are no use after it.
const MOST_USELESS: u32 = 50;

/// Audio is cut from a buffer of this size, which is used again when all its pieces are sent.
const DECODE_BUFFER: usize = 4 * 1024;

/// Twilio closes within 50 ms of `stop` (`twilio-protocol` 7.1); a peer that does not is closed.
const CLOSE_AFTER_STOP: Duration = Duration::from_secs(1);

/// A status callback may overtake the last media messages and `stop` (`twilio-protocol` 3.3).
const OVERTAKEN_GRACE: Duration = Duration::from_secs(1);

/// Jumps of a stream's numbering that are logged one by one.
const EACH_JUMP_LOGGED: u64 = 16;

/// How often silence is looked for, as a part of its limit.
const SILENCE_CHECKS: u32 = 4;

/// The leg is to end, for this reason.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub struct StopLeg(pub LegExit);

/// The actor.
pub struct TwilioStream {
    services: Data<Services>,
    line: Line,
    /// For the supervisor, to end the connection from outside.
    socket: Option<SocketHandle>,
    /// What the handshake belongs to; the call's own trace goes before it.
    trace: Option<TraceContext>,
    phase: Phase,
    decoded: BytesMut,
    /// Useless messages in a row.
    useless: u32,
}

enum Phase {
    /// Nothing is believed yet; such sockets are counted.
    AwaitingStart { _place: Place },
    /// A leg.
    Streaming(Box<Stream>),
    /// The caller is gone, or was refused.
    Over,
}

/// A media stream that is a leg.
struct Stream {
    tags: Rc<LegTags>,
    metrics: Metrics,
    received: Tally,
    stream_sid: StreamSid,
    connection: MediaGuard,
    recording: Option<Rc<LegRecording>>,
    continuity: Continuity,
    sequence: Sequence,
    keys_pressed: u64,
    jumps: u64,
    /// Whether the last piece of audio found no room.
    dropping: bool,
    /// Whether media came since silence was last looked for.
    heard: bool,
    silent_checks: u32,
}

/// Tells the connection that the audio ended, whatever becomes of this actor.
struct MediaGuard {
    connection: Addr<SymblConnection>,
    told: bool,
}

impl MediaGuard {
    fn end(&mut self, exit: LegExit) {
        if !std::mem::replace(&mut self.told, true) {
            tell(&self.connection, EndMedia(exit));
        }
    }
}

impl Drop for MediaGuard {
    fn drop(&mut self) {
        let exit = if std::thread::panicking() { LegExit::Panicked } else { LegExit::SocketClosed };
        self.end(exit);
    }
}

impl TwilioStream {
    /// Returns an actor for a socket that has just opened.
    pub fn new(
        services: Data<Services>,
        line: Line,
        socket: Option<SocketHandle>,
        place: Place,
        trace: Option<TraceContext>,
    ) -> Self {
        let (phase, decoded) = (Phase::AwaitingStart { _place: place }, BytesMut::new());
        Self { services, line, socket, trace, phase, decoded, useless: 0 }
    }

    fn text(&mut self, text: &str, ctx: &mut Context<Self>) {
        let message = match scan_media(text) {
            Some(media) => Ok(StreamMessage::Media(media)),
            None => parse(text),
        };
        match message {
            Ok(StreamMessage::Media(media)) => self.media(&media, ctx),
            Ok(StreamMessage::Start(start)) => self.start(&start, ctx),
            Ok(StreamMessage::Stop { .. }) => self.stop(ctx),
            Ok(StreamMessage::Dtmf { .. }) => self.keys_pressed(),
            Ok(StreamMessage::Connected) => {}
            Ok(StreamMessage::Mark { .. }) => self.skip_a_number(),
            Ok(StreamMessage::Unknown(_)) => {
                self.skip_a_number();
                self.useless("unknown event", ctx);
            }
            Err(error @ (BadStreamMessage::NoStart | BadStreamMessage::Sid(_))) => {
                self.refuse(&Refusal::BadStart(error), ctx);
            }
            Err(error) => self.useless(&error.to_string(), ctx),
        }
    }

    /// A message other than `media` took a number of the stream's one count.
    fn skip_a_number(&mut self) {
        if let Phase::Streaming(stream) = &mut self.phase {
            stream.sequence.forget();
        }
    }

    fn media(&mut self, media: &Media<'_>, ctx: &mut Context<Self>) {
        if let Phase::Streaming(stream) = &self.phase
            && media.stream_sid.as_deref().is_some_and(|sid| sid != stream.stream_sid.as_str())
        {
            return self.useless("media of another stream", ctx);
        }
        if let Err(error) = decode_payload(&media.payload, &mut self.decoded) {
            return self.useless(&error.to_string(), ctx);
        }
        match &mut self.phase {
            // Kept for the `start` that is on its way; the count bounds it.
            Phase::AwaitingStart { .. } => self.useless("media before `start`", ctx),
            Phase::Streaming(stream) => {
                self.useless = 0;
                stream.heard = true;
                // Tracks share one count; only what the caller says goes on.
                let missing = stream.sequence.observe(media.sequence_number);
                if media.track != Track::Inbound {
                    self.decoded.clear();
                } else if stream.is_usable(media, missing) {
                    stream.forward(&mut self.decoded);
                } else {
                    self.decoded.clear();
                }
            }
            Phase::Over => self.decoded.clear(),
        }
    }

    fn start(&mut self, start: &Start, ctx: &mut Context<Self>) {
        match &self.phase {
            Phase::AwaitingStart { .. } => {}
            Phase::Streaming(stream) if start.stream_sid.as_ref() == Some(&stream.stream_sid) => return,
            Phase::Streaming(_) => return self.refuse(&Refusal::SecondStart, ctx),
            Phase::Over => return,
        }
        let accepted = match self.check(start) {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refuse(&refusal, ctx),
        };
        let asked = self
            .services
            .shared
            .supervisor
            .send(StartLeg { start: accepted.clone(), stream: ctx.address() })
            .into_actor(self)
            .map(move |answer, stream, ctx| match answer {
                Ok(Ok((plan, guard))) => stream.begin(accepted, plan, guard, ctx),
                Ok(Err(refusal)) => stream.refuse(&refusal.into(), ctx),
                Err(_) => stream.refuse(&Refusal::NoSupervisor, ctx),
            });
        // The socket waits, in order, for an answer from within the process.
        ctx.wait(asked);
    }

    /// Returns what `start` says, if it is a stream that a webhook of ours asked for.
    fn check(&self, start: &Start) -> Result<StreamStart, Refusal> {
        let call_sid = start.call_sid.clone().ok_or(Refusal::Incomplete("a callSid"))?;
        let stream_sid = start.stream_sid.clone().ok_or(Refusal::Incomplete("a streamSid"))?;
        if !start.media_format.is_mulaw_8k_mono() {
            return Err(Refusal::Format(describe(&start.media_format)));
        }
        let tokens = &self.services.shared.stream_tokens;
        let stream = tokens.check(start.parameter("token"), &call_sid, seconds_now())?;
        let parameters = Announcement {
            call_sid: call_sid.clone(),
            from: Caller::parse(start.parameter("from").unwrap_or_default()),
            to: start.parameter("to").unwrap_or_default().to_owned(),
            room: start.parameter("room").and_then(|room| Room::parse(room).ok()),
            trace: self.trace,
        };
        Ok(StreamStart { call_sid, stream_sid, stream, parameters })
    }

    fn begin(&mut self, start: StreamStart, plan: LegPlan, guard: LegGuard, ctx: &mut Context<Self>) {
        let (call_sid, stream_sid): (&CallSid, &StreamSid) = (&start.call_sid, &start.stream_sid);
        let tags = tags(call_sid.as_str(), stream_sid.as_str(), &plan.connection_id, plan.room.as_str());
        let tags = Rc::new(tags.traced(plan.trace));
        let (from, role) = (start.parameters.from.masked(), plan.party.role.as_str());
        events::LegStarted { leg: Some(&tags), from: &from, role }.emit();
        let services = self.services.clone();
        let recording = recorded::begin(services.shared.recorder.as_ref(), &start, &plan, &tags);
        let connection =
            SymblConnection::new(services, plan, Rc::clone(&tags), ctx.address(), guard, recording.clone())
                .begin();
        let mut stream = Box::new(Stream {
            tags,
            received: self.services.shared.metrics.media.tally(),
            metrics: self.services.shared.metrics.clone(),
            stream_sid: start.stream_sid,
            connection: MediaGuard { connection, told: false },
            recording,
            continuity: Continuity::default(),
            sequence: Sequence::default(),
            keys_pressed: 0,
            jumps: 0,
            dropping: false,
            heard: false,
            silent_checks: 0,
        });
        stream.forward(&mut self.decoded);
        self.phase = Phase::Streaming(stream);
        self.useless = 0;
        ctx.run_interval(self.services.shared.media.silence_timeout / SILENCE_CHECKS, |stream, ctx| {
            stream.look_for_silence(ctx);
        });
    }

    fn look_for_silence(&mut self, ctx: &mut Context<Self>) {
        let Phase::Streaming(stream) = &mut self.phase else {
            return;
        };
        stream.silent_checks = if std::mem::take(&mut stream.heard) { 0 } else { stream.silent_checks + 1 };
        if stream.silent_checks >= SILENCE_CHECKS {
            self.end(LegExit::MediaSilence, ctx);
        }
    }

    fn keys_pressed(&mut self) {
        if let Phase::Streaming(stream) = &mut self.phase {
            stream.sequence.forget();
            stream.keys_pressed += 1;
            events::DtmfReceived { leg: Some(&stream.tags), count: stream.keys_pressed }.emit();
        }
    }

    fn stop(&mut self, ctx: &mut Context<Self>) {
        if let Phase::Streaming(mut stream) = std::mem::replace(&mut self.phase, Phase::Over) {
            stream.connection.end(LegExit::Hangup);
        }
        ctx.run_later(CLOSE_AFTER_STOP, |stream, ctx| stream.line.close(ctx, CloseCode::Normal, "stopped"));
    }

    /// Ends the leg from our side, with the close code that tells Twilio why.
    fn end(&mut self, exit: LegExit, ctx: &mut Context<Self>) {
        if matches!(self.phase, Phase::Over) {
            // Stopped before; at the end of the process there is no more time for Twilio to close first.
            if exit == LegExit::Shutdown {
                self.line.close(ctx, CloseCode::Normal, "stopped");
            }
            return;
        }
        if let Phase::Streaming(mut stream) = std::mem::replace(&mut self.phase, Phase::Over) {
            stream.connection.end(exit);
        }
        let code = match exit {
            LegExit::Shutdown => CloseCode::Away,
            LegExit::UpstreamFailed | LegExit::Panicked => CloseCode::Error,
            LegExit::MediaFault => CloseCode::Policy,
            _ => CloseCode::Normal,
        };
        self.line.close(ctx, code, exit.as_str());
    }

    /// Counts a message that is of no use; many in a row end the socket.
    fn useless(&mut self, reason: &str, ctx: &mut Context<Self>) {
        self.useless += 1;
        self.services.shared.metrics.media.ignored.inc();
        let tags = match &self.phase {
            Phase::Streaming(stream) => Some(Rc::clone(&stream.tags)),
            Phase::AwaitingStart { .. } | Phase::Over => None,
        };
        if self.useless == 1 {
            events::MediaMessageIgnored { leg: tags.as_deref(), reason }.emit();
        }
        if self.useless > MOST_USELESS {
            match self.phase {
                Phase::AwaitingStart { .. } => self.refuse(&Refusal::NoStartInTime, ctx),
                Phase::Streaming(_) => self.refuse(&Refusal::Useless, ctx),
                Phase::Over => self.line.close(ctx, CloseCode::Normal, "stopped"),
            }
        }
    }

    fn refuse(&mut self, refusal: &Refusal, ctx: &mut Context<Self>) {
        let code = refusal.close_code();
        let reason = refusal.to_string();
        self.services.shared.metrics.doors.refused(Door::Media, refusal.as_str());
        let mut tags = None;
        if let Phase::Streaming(mut stream) = std::mem::replace(&mut self.phase, Phase::Over) {
            stream.connection.end(LegExit::MediaFault);
            tags = Some(stream.tags);
        }
        events::MediaSocketRefused { leg: tags.as_deref(), reason: &reason, code: code.into() }.emit();
        self.line.close(ctx, code, &reason);
    }
}

impl Stream {
    /// Sends what is decoded to the connection, in one piece.
    ///
    /// Of a run of pieces that find no room the first is logged: a flood must not fill a disk.
    fn forward(&mut self, decoded: &mut BytesMut) {
        if decoded.is_empty() {
            return;
        }
        let audio = decoded.split().freeze();
        decoded.reserve(DECODE_BUFFER.min(audio.len()));
        if let Some(recording) = &self.recording {
            recording.audio(&audio);
        }
        self.received.add(audio.len());
        let sent = self.connection.connection.try_send(Audio(audio));
        let was_dropping = std::mem::replace(&mut self.dropping, sent.is_err());
        if let Err(SendError::Full(Audio(audio))) = sent {
            let dropped_ms = audio.len() as u64 / 8;
            self.metrics.media.dropped.add("mailbox_full", dropped_ms as f64 / 1000.0);
            if !was_dropping {
                let reason = "connection mailbox is full";
                events::AudioDropped { leg: Some(&self.tags), dropped_ms, reason }.emit();
            }
        }
    }

    /// Returns whether the message's audio belongs here: not what came before, or comes after its successors.
    ///
    /// Jumps are logged, the first ones each, then ever fewer: a stream that stutters for an hour must not fill a disk.
    fn is_usable(&mut self, media: &Media<'_>, missing: u64) -> bool {
        let verdict = self.continuity.observe(media);
        if let Some(recording) = &self.recording {
            recorded::observe(recording, verdict);
        }
        let in_count = (missing > 0).then_some(("missing_messages", missing));
        if let Some((kind, size)) = describe_verdict(verdict).or(in_count) {
            self.jumps += 1;
            self.metrics.media.gaps.add(kind);
            if kind == "missing_messages" {
                self.metrics.media.missing.inc_by(size);
            }
            if self.jumps <= EACH_JUMP_LOGGED || self.jumps.is_power_of_two() {
                events::MediaGap { leg: Some(&self.tags), kind, size, jumps: self.jumps }.emit();
            }
        }
        verdict.is_usable()
    }
}

impl Actor for TwilioStream {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let limit = self.services.shared.media.start_timeout;
        let opened =
            SocketOpened { stream: ctx.address(), socket: self.socket.clone(), start_timeout: limit };
        tell(&self.services.shared.supervisor, opened);
        ctx.run_later(limit, move |stream, ctx| {
            if matches!(stream.phase, Phase::AwaitingStart { .. }) {
                stream.refuse(&Refusal::NoStart(limit), ctx);
            }
        });
    }
}

impl Session for TwilioStream {
    fn write(&mut self, frames: &mut FrameWriter<'_>) {
        self.line.write(frames);
    }

    fn receive(&mut self, incoming: Incoming, ctx: &mut Context<Self>) {
        match self.line.receive(incoming, ctx) {
            Some(Incoming::Text(text)) => self.text(&text, ctx),
            Some(Incoming::Binary(_)) => self.useless("binary message", ctx),
            Some(Incoming::Ended(end)) => {
                let exit =
                    if matches!(end, End::Fault(_)) { LegExit::MediaFault } else { LegExit::SocketClosed };
                if let Phase::Streaming(stream) = &mut self.phase {
                    stream.connection.end(exit);
                }
            }
            Some(Incoming::Pong(_)) | None => {}
        }
    }
}

impl Handler<StopLeg> for TwilioStream {
    type Result = ();

    fn handle(&mut self, StopLeg(exit): StopLeg, ctx: &mut Self::Context) {
        if matches!(exit, LegExit::CallCompleted | LegExit::StreamStopped) {
            ctx.run_later(OVERTAKEN_GRACE, move |stream, ctx| {
                if matches!(stream.phase, Phase::Streaming(_)) {
                    stream.end(exit, ctx);
                }
            });
        } else {
            self.end(exit, ctx);
        }
    }
}

fn describe(format: &MediaFormat) -> String {
    format!(
        "{}, {} Hz, {} channels",
        format.encoding.as_deref().unwrap_or("unknown"),
        format.sample_rate.map_or("?".to_owned(), |rate| rate.to_string()),
        format.channels.map_or("?".to_owned(), |count| count.to_string()),
    )
}

/// Returns the event's kind and size; nothing for the usual case.
fn describe_verdict(verdict: Verdict) -> Option<(&'static str, u64)> {
    match verdict {
        Verdict::Continuous => None,
        Verdict::Gap(gap) if gap.missing > 0 => Some(("missing_messages", gap.missing)),
        Verdict::Gap(gap) => Some(("time_jump", gap.jump_ms.unsigned_abs())),
        Verdict::Duplicate => Some(("duplicate", 1)),
        Verdict::Late => Some(("out_of_order", 1)),
        Verdict::Resynchronised => Some(("restart", 0)),
    }
}

#[cfg(test)]
pub(crate) mod fault;
