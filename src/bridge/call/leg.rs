//! One caller's leg: when to connect, start, send, stop and give up. No clock, no socket.
//!
//! ```text
//!            ┌────────────── retry ──────────────┐
//!            ▼                                   │
//!   Connecting ──opened──▶ Starting ──acknowledged──▶ Live ──media ended, all sent──▶ Stopping ──▶ Closing ──▶ Ended
//!        │  ▲                 │                        │                                 │            │
//!        ▼  │ pause over      └────── lost, late ──────┴──── lost, given up ─────────────┴────────────┴──▶ Ended
//!      Waiting
//! ```
//!
//! Events come in through [`Leg::on_event`], which returns what is to be done; frames go out through
//! [`Leg::next_frame`], which the socket asks whenever it has taken all that came before. Audio is kept from the
//! first frame on and sent once the server listens. When the caller is gone, what waits is still delivered, then
//! `stop_request` is sent and the last results are awaited, all within a bound.
//!
//! Connecting again after the server had listened is not done yet: [`Leg::lost`] is the one place to change.

use std::time::Duration;

use super::upload::Upload;

/// A moment, in milliseconds since any fixed point. Never runs backwards.
pub type Millis = u64;

/// The largest binary message: what the protocol's documentation allows (`symbl-protocol` 2.5).
pub const MESSAGE_LIMIT: usize = 8192;

/// A server that has not acknowledged is asked again after this long on the same socket (6.1).
const RESEND_START_AFTER: Millis = 5_000;

/// A server that has not acknowledged by now will not (6.1).
const START_LIMIT: Millis = 15_000;

/// How long a peer may take to answer our close frame.
const CLOSE_LIMIT: Millis = 2_000;

/// First pause between attempts; doubled up to the last.
const FIRST_PAUSE: Millis = 250;
const LAST_PAUSE: Millis = 5_000;

/// The bounds of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegLimits {
    /// Audio kept while the server does not take it, in bytes.
    pub buffer: usize,
    /// How long the server may stay out of reach before the leg gives up.
    pub give_up_after: Duration,
    /// How long delivering the rest and the last results may take once the caller is gone.
    pub stop_within: Duration,
}

/// Why a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegExit {
    /// Twilio sent `stop`.
    Hangup,
    /// The media socket closed or broke without a `stop`.
    SocketClosed,
    /// A status callback said that the call is over.
    CallCompleted,
    /// A status callback said that the stream is over.
    StreamStopped,
    /// A newer stream of the same call took its place.
    Replaced,
    /// No media message for too long.
    MediaSilence,
    /// The media socket broke the protocol or a limit.
    MediaFault,
    /// The server could not be reached, refused, or went away.
    UpstreamFailed,
    /// The process is ending.
    Shutdown,
    /// An actor of the leg died.
    Panicked,
}

impl LegExit {
    /// Returns the stable word for logs and updates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hangup => "hangup",
            Self::SocketClosed => "socket_closed",
            Self::CallCompleted => "call_completed",
            Self::StreamStopped => "stream_stopped",
            Self::Replaced => "replaced",
            Self::MediaSilence => "media_silence",
            Self::MediaFault => "media_fault",
            Self::UpstreamFailed => "upstream_failed",
            Self::Shutdown => "shutdown",
            Self::Panicked => "panicked",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegEvent {
    /// The leg begins.
    Begin,
    /// The caller's audio ended; nothing more will be heard.
    MediaEnded(LegExit),
    /// The socket to the server is open.
    Opened,
    /// The socket to the server did not open.
    NotOpened {
        /// Whether another attempt makes sense.
        retry: bool,
        /// What failed, for the log.
        reason: String,
    },
    /// The server takes audio now.
    Acknowledged,
    /// The server named the conversation.
    ConversationNamed(String),
    /// The server has sent its last result.
    Completed,
    /// The socket to the server ended.
    SocketEnded {
        /// Whether another attempt makes sense.
        retry: bool,
        /// How, for the log.
        reason: String,
    },
    /// The time of [`Leg::wake_at`] has come.
    Tick,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Get a token and open a socket.
    Connect,
    /// Drop the socket, or the attempt to open one, without a word.
    DropSocket,
    /// Say that the server listens; sent once, when the conversation's name is known too.
    ReportConnected {
        /// The server's id of the conversation.
        conversation_id: String,
        /// Audio that had waited, in bytes.
        buffered: usize,
    },
    /// Say that the audio ended; sent once.
    ReportMediaEnded(LegExit),
    /// Say that another attempt follows.
    ReportRetry {
        /// What failed.
        reason: String,
        /// The pause.
        pause: Millis,
    },
    /// Say that the server failed for good.
    ReportFailed {
        /// What failed.
        reason: String,
    },
    /// Tell the media socket that nobody listens any more.
    CloseMedia,
    /// The leg is over; the last effect, sent once.
    ReportEnded(LegExit),
}

/// A frame for the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing<'a> {
    /// The leg's `start_request`.
    StartRequest,
    /// Audio, at most [`MESSAGE_LIMIT`] bytes; call [`Leg::mark_sent`] with its length.
    Audio(&'a [u8]),
    /// `stop_request`.
    StopRequest,
    /// A close frame with code 1000.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Connecting,
    Waiting { until: Millis },
    Starting { since: Millis, request_due: bool, resend_at: Option<Millis> },
    Live,
    Stopping,
    Closing { since: Millis, frame_due: bool },
    Ended,
}

/// The state machine of one leg.
#[derive(Debug)]
pub struct Leg {
    state: State,
    upload: Upload,
    limits: LegLimits,
    /// When the server must listen at the latest.
    give_up_at: Millis,
    /// Why and until when the leg is ending.
    ending: Option<(LegExit, Millis)>,
    acknowledged: bool,
    conversation_id: Option<String>,
    connected_reported: bool,
    attempts: u32,
    /// Spreads the attempts of legs that failed together.
    jitter: u64,
}

impl Leg {
    /// Returns a leg that has not begun. Legs with different seeds pause differently.
    pub fn new(limits: LegLimits, seed: u64) -> Self {
        Self {
            state: State::New,
            upload: Upload::new(limits.buffer),
            limits,
            give_up_at: 0,
            ending: None,
            acknowledged: false,
            conversation_id: None,
            connected_reported: false,
            attempts: 0,
            jitter: seed | 1,
        }
    }

    /// Takes audio from the caller; returns how many bytes were dropped to make room.
    pub fn hear(&mut self, audio: &[u8]) -> usize {
        if self.ending.is_some() || self.state == State::Ended { 0 } else { self.upload.push(audio) }
    }

    /// Returns the leg's audio account.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// Returns when [`LegEvent::Tick`] is due, if nothing else happens.
    pub fn wake_at(&self) -> Option<Millis> {
        let ending = self.ending.map(|(_, until)| until);
        match self.state {
            State::New | State::Ended => None,
            State::Connecting => ending.or(Some(self.give_up_at)),
            State::Waiting { until } => Some(earliest(until, ending)),
            State::Starting { since, resend_at, .. } => {
                let limit = since + START_LIMIT;
                Some(earliest(resend_at.map_or(limit, |resend| resend.min(limit)), ending))
            }
            State::Live | State::Stopping => ending,
            State::Closing { since, .. } => Some(since + CLOSE_LIMIT),
        }
    }

    /// Returns the frame that is due now, if any.
    pub fn next_frame(&mut self) -> Option<Outgoing<'_>> {
        match &mut self.state {
            State::Starting { request_due, .. } => {
                std::mem::take(request_due).then_some(Outgoing::StartRequest)
            }
            State::Live if !self.upload.is_empty() => Some(Outgoing::Audio(self.upload.next(MESSAGE_LIMIT))),
            State::Live if self.ending.is_some() => {
                self.state = State::Stopping;
                Some(Outgoing::StopRequest)
            }
            State::Closing { frame_due, .. } => std::mem::take(frame_due).then_some(Outgoing::Close),
            _ => None,
        }
    }

    /// Takes the audio that [`Leg::next_frame`] showed off the buffer.
    pub fn mark_sent(&mut self, count: usize) {
        self.upload.mark_sent(count);
    }

    /// Takes an event; returns what is to be done for it.
    pub fn on_event(&mut self, now: Millis, event: LegEvent) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.state == State::Ended {
            return effects;
        }
        match event {
            LegEvent::Begin => {
                if self.state == State::New {
                    self.give_up_at = now + millis(self.limits.give_up_after);
                    self.connect(&mut effects);
                }
            }
            LegEvent::MediaEnded(exit) => self.media_ended(now, exit, &mut effects),
            LegEvent::Opened => {
                if self.state == State::Connecting {
                    self.state = State::Starting {
                        since: now,
                        request_due: true,
                        resend_at: Some(now + RESEND_START_AFTER),
                    };
                }
            }
            LegEvent::NotOpened { retry, reason } => {
                if self.state == State::Connecting {
                    self.not_reached(now, retry, reason, &mut effects);
                }
            }
            LegEvent::Acknowledged => self.acknowledged(&mut effects),
            LegEvent::ConversationNamed(id) => {
                self.conversation_id.get_or_insert(id);
                self.report_connected(&mut effects);
            }
            LegEvent::Completed => self.completed(now, &mut effects),
            LegEvent::SocketEnded { retry, reason } => self.lost(now, retry, reason, &mut effects),
            LegEvent::Tick => self.tick(now, &mut effects),
        }
        effects
    }

    fn connect(&mut self, effects: &mut Vec<Effect>) {
        self.attempts += 1;
        self.state = State::Connecting;
        effects.push(Effect::Connect);
    }

    fn acknowledged(&mut self, effects: &mut Vec<Effect>) {
        if matches!(self.state, State::Starting { .. }) {
            self.state = State::Live;
            self.acknowledged = true;
            self.report_connected(effects);
        }
    }

    fn report_connected(&mut self, effects: &mut Vec<Effect>) {
        if let Some(id) = &self.conversation_id
            && self.acknowledged
            && !self.connected_reported
        {
            self.connected_reported = true;
            effects.push(Effect::ReportConnected {
                conversation_id: id.clone(),
                buffered: self.upload.waiting(),
            });
        }
    }

    fn media_ended(&mut self, now: Millis, exit: LegExit, effects: &mut Vec<Effect>) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some((exit, now + millis(self.limits.stop_within)));
        effects.push(Effect::ReportMediaEnded(exit));
        // Without audio that waits there is nothing to connect for.
        if self.upload.is_empty()
            && matches!(self.state, State::New | State::Connecting | State::Waiting { .. })
        {
            effects.push(Effect::DropSocket);
            self.end(exit, effects);
        }
    }

    /// The server has said all; the socket can go.
    fn completed(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        match self.state {
            State::Stopping => self.state = State::Closing { since: now, frame_due: true },
            // It stopped by itself, while the caller is still there.
            State::Live | State::Starting { .. } => {
                self.fail("the server ended the conversation".to_owned(), effects);
            }
            _ => {}
        }
    }

    /// The socket is gone.
    fn lost(&mut self, now: Millis, retry: bool, reason: String, effects: &mut Vec<Effect>) {
        match self.state {
            State::Starting { .. } => self.not_reached(now, retry, reason, effects),
            State::Live => self.fail(reason, effects),
            // A server may close instead of saying that it is done.
            State::Stopping | State::Closing { .. } => self.end(self.exit(), effects),
            State::New | State::Connecting | State::Waiting { .. } | State::Ended => {}
        }
    }

    /// An attempt failed before the server listened.
    fn not_reached(&mut self, now: Millis, retry: bool, reason: String, effects: &mut Vec<Effect>) {
        let pause = self.pause();
        let until = now + pause;
        let limit = self.ending.map_or(self.give_up_at, |(_, until)| until);
        if !retry || until >= limit {
            return self.fail(reason, effects);
        }
        self.state = State::Waiting { until };
        effects.push(Effect::ReportRetry { reason, pause });
    }

    fn tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if self.wake_at().is_none_or(|due| now < due) {
            return;
        }
        let out_of_time = self.ending.is_some_and(|(_, until)| now >= until);
        match self.state {
            State::Connecting | State::Starting { .. } | State::Waiting { .. } if out_of_time => {
                effects.push(Effect::DropSocket);
                self.fail("the caller was gone before the server listened".to_owned(), effects);
            }
            State::Connecting => {
                effects.push(Effect::DropSocket);
                self.fail("no answer from the server".to_owned(), effects);
            }
            State::Waiting { .. } => self.connect(effects),
            State::Starting { since, .. } if now >= since + START_LIMIT => {
                effects.push(Effect::DropSocket);
                self.not_reached(now, true, "start_request was not acknowledged".to_owned(), effects);
            }
            State::Starting { since, .. } => {
                self.state = State::Starting { since, request_due: true, resend_at: None };
            }
            // What could not be delivered, or was not answered, in time.
            State::Live | State::Stopping => {
                self.state = State::Closing { since: now, frame_due: true };
            }
            State::Closing { .. } => {
                effects.push(Effect::DropSocket);
                self.end(self.exit(), effects);
            }
            State::New | State::Ended => {}
        }
    }

    /// The server failed for good: the media socket has nobody to talk to.
    fn fail(&mut self, reason: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::ReportFailed { reason });
        if self.ending.is_none() {
            self.ending = Some((LegExit::UpstreamFailed, 0));
            effects.push(Effect::ReportMediaEnded(LegExit::UpstreamFailed));
            effects.push(Effect::CloseMedia);
        }
        effects.push(Effect::DropSocket);
        self.end(LegExit::UpstreamFailed, effects);
    }

    fn end(&mut self, exit: LegExit, effects: &mut Vec<Effect>) {
        self.state = State::Ended;
        effects.push(Effect::ReportEnded(exit));
    }

    fn exit(&self) -> LegExit {
        self.ending.map_or(LegExit::UpstreamFailed, |(exit, _)| exit)
    }

    /// Returns the next pause: doubled each time, spread over its upper half.
    fn pause(&mut self) -> Millis {
        let whole = FIRST_PAUSE.saturating_mul(1 << self.attempts.saturating_sub(1).min(10)).min(LAST_PAUSE);
        // xorshift64: any spread will do, and the machine stays reproducible.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        whole / 2 + self.jitter % (whole / 2 + 1)
    }
}

fn earliest(moment: Millis, other: Option<Millis>) -> Millis {
    other.map_or(moment, |other| other.min(moment))
}

fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "leg_tests.rs"]
mod tests;
