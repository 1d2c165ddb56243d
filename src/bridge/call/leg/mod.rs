//! One caller's leg: when to connect, start, send, stop and give up. No clock, no socket.
//!
//! ```text
//!      ┌──────────────────────────────── lost ────────────────────────────────┐
//!      ▼                                                                      │
//!   Waiting ──pause over──▶ Connecting ──opened──▶ Starting ──acknowledged──▶ Live ──all sent──▶ Stopping ──▶ Closing ──▶ Ended
//!      ▲                        │                     │                       (the caller is gone)  │
//!      └────── not opened ──────┴──────── lost ───────┴──── lost, and the server may miss audio ────┘
//! ```
//!
//! Events come in through [`Leg::on_event`], which returns what is to be done; frames go out through
//! [`Leg::next_frame`], which the socket asks whenever it has taken all that came before. Audio is kept from the
//! first frame on until the server said that it has it ([`Receipts`]), and sent again on the next connection if it did not.
//! When the caller is gone, what is left is still delivered, then `stop_request` is sent and the last results are awaited,
//! all within a bound. Wherever it is, a leg ends for good when the failure will not pass or has lasted too long.

mod event;
mod receipts;
mod retries;

use std::borrow::Cow;
use std::time::Duration;

pub use event::{Effect, Interruption, LegEvent, LegExit, Outgoing, SocketEnd, Stage};
use receipts::Receipts;
use retries::{Retries, STABLE_AFTER};

use super::upload::Upload;

/// A moment, in milliseconds since any fixed point. Never runs backwards.
pub type Millis = u64;

/// The largest binary message: what the protocol's documentation allows (`symbl-protocol` 2.5).
pub const MESSAGE_LIMIT: usize = 8192;

/// A server that has not acknowledged is asked again after this long on the same socket (6.1).
const RESEND_START_AFTER: Millis = 5_000;

/// A server that has not acknowledged by now will not (6.1).
const START_LIMIT: Millis = 15_000;

/// The close code of a peer that is done.
const NORMAL: u16 = 1000;

/// How long a peer may take to answer our close frame.
const CLOSE_LIMIT: Millis = 2_000;

/// An overdue answer is noticed after at most this part of its limit.
const CHECKS_PER_LIMIT: u64 = 4;

/// The bounds of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegLimits {
    /// Audio kept while the server does not take it, in bytes.
    pub buffer: usize,
    /// How long the server may stay out of reach before the leg gives up.
    pub give_up_after: Duration,
    /// How long the server may owe an answer about audio it was sent.
    pub acknowledge_within: Duration,
    /// How long delivering the rest and the last results may take once the caller is gone.
    pub stop_within: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Connecting,
    Waiting { until: Millis },
    Starting { since: Millis, request_due: bool, resend_at: Option<Millis> },
    Live { since: Millis },
    Stopping { since: Millis },
    Closing { since: Millis, frame_due: bool },
    Ended,
}

/// An interruption that lasts.
#[derive(Debug, Clone, Copy)]
struct Interrupted {
    since: Millis,
    dropped_before: u64,
}

/// The state machine of one leg.
#[derive(Debug)]
pub struct Leg {
    state: State,
    upload: Upload,
    limits: LegLimits,
    retries: Retries,
    /// Why and until when the leg is ending.
    ending: Option<(LegExit, Millis)>,
    /// Whether the server ever listened.
    acknowledged: bool,
    conversation_id: Option<String>,
    connected_reported: bool,
    interrupted: Option<Interrupted>,
    /// Of the present connection.
    receipts: Receipts,
    check_at: Millis,
}

impl Leg {
    /// Returns a leg that has not begun. Legs with different seeds pause differently.
    pub fn new(limits: LegLimits, seed: u64) -> Self {
        Self {
            state: State::New,
            upload: Upload::new(limits.buffer),
            retries: Retries::new(millis(limits.give_up_after), seed),
            limits,
            ending: None,
            acknowledged: false,
            conversation_id: None,
            connected_reported: false,
            interrupted: None,
            receipts: Receipts::new(0, 0),
            check_at: 0,
        }
    }

    /// Takes audio from the caller; returns how many bytes were dropped to make room.
    pub fn hear(&mut self, audio: &[u8]) -> u64 {
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
            State::Connecting => ending.or(Some(self.retries.give_up_at())),
            State::Waiting { until } => Some(earliest(until, ending)),
            State::Starting { since, resend_at, .. } => {
                let limit = since + START_LIMIT;
                Some(earliest(resend_at.map_or(limit, |resend| resend.min(limit)), ending))
            }
            State::Live { .. } | State::Stopping { .. } => Some(earliest(self.check_at, ending)),
            State::Closing { since, .. } => Some(since + CLOSE_LIMIT),
        }
    }

    /// Returns the frame that is due now, if any.
    pub fn next_frame(&mut self, now: Millis) -> Option<Outgoing<'_>> {
        if let Some(position) = self.next_ping(now) {
            return Some(Outgoing::Ping(position));
        }
        match &mut self.state {
            State::Starting { request_due, .. } => {
                std::mem::take(request_due).then_some(Outgoing::StartRequest)
            }
            State::Live { .. } if !self.upload.is_empty() => {
                Some(Outgoing::Audio(self.upload.next(MESSAGE_LIMIT)))
            }
            State::Live { since } if self.ending.is_some() => {
                self.state = State::Stopping { since: *since };
                Some(Outgoing::StopRequest)
            }
            State::Closing { frame_due, .. } => std::mem::take(frame_due).then_some(Outgoing::Close),
            _ => None,
        }
    }

    /// Returns the position of the ping that is due now, if any; [`Leg::next_frame`] would return it first.
    pub fn next_ping(&mut self, now: Millis) -> Option<u64> {
        let is_last = self.ending.is_some() && self.upload.is_empty();
        self.is_heard().then(|| self.receipts.ask(now, self.upload.sent(), is_last)).flatten()
    }

    /// Notes that the socket took the first `count` bytes of the audio that [`Leg::next_frame`] showed.
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
                    self.retries.begin(now);
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
                    self.not_reached(now, retry, reason.into(), &mut effects);
                }
            }
            LegEvent::Acknowledged => self.acknowledged(now, &mut effects),
            LegEvent::Received(position) => {
                if self.is_heard() && self.upload.acknowledge(position) {
                    self.receipts.answered(now, position);
                }
            }
            LegEvent::ConversationNamed(id) => self.conversation_named(id, &mut effects),
            LegEvent::Completed => self.completed(now, &mut effects),
            LegEvent::SocketEnded { end, reason } => self.lost(now, end, reason.into(), &mut effects),
            LegEvent::Tick => self.tick(now, &mut effects),
        }
        effects
    }

    fn connect(&mut self, effects: &mut Vec<Effect>) {
        self.state = State::Connecting;
        effects.push(Effect::Connect);
    }

    fn acknowledged(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if !matches!(self.state, State::Starting { .. }) {
            return;
        }
        self.state = State::Live { since: now };
        self.acknowledged = true;
        self.receipts = Receipts::new(now, self.upload.sent());
        self.check_at = now + self.check_every();
        if let Some(interrupted) = self.interrupted.take() {
            effects.push(Effect::ReportResumed {
                conversation_id: self.conversation_id.clone().unwrap_or_default(),
                after: now - interrupted.since,
                lost: self.upload.dropped() - interrupted.dropped_before,
            });
        }
        self.report_connected(effects);
    }

    fn conversation_named(&mut self, id: String, effects: &mut Vec<Effect>) {
        let is_news = self.conversation_id.as_ref() != Some(&id);
        if is_news && self.connected_reported && self.interrupted.is_none() {
            effects.push(Effect::ReportRenamed { conversation_id: id.clone() });
        }
        self.conversation_id = Some(id);
        self.report_connected(effects);
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
        // Without audio that the server may miss there is nothing to connect for.
        if self.upload.behind() == 0
            && matches!(self.state, State::New | State::Connecting | State::Waiting { .. })
        {
            effects.push(Effect::DropSocket);
            self.end(exit, effects);
        }
    }

    /// The server has said all; the socket can go.
    fn completed(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let reason = Cow::from("the server ended the conversation");
        match self.state {
            State::Stopping { .. } if self.is_done() => {
                self.state = State::Closing { since: now, frame_due: true };
            }
            // It stopped by itself: while the caller is still there, or with the last words still on their way to it.
            State::Live { since } | State::Stopping { since } => {
                effects.push(Effect::DropSocket);
                self.interrupt(now, since, Interruption::ClosedByServer, reason, effects);
            }
            State::Starting { .. } => {
                effects.push(Effect::DropSocket);
                self.not_reached(now, true, reason, effects);
            }
            _ => {}
        }
    }

    /// The socket is gone. The one place where a connection that had been listened to is lost.
    fn lost(&mut self, now: Millis, end: SocketEnd, reason: Cow<'static, str>, effects: &mut Vec<Effect>) {
        match self.state {
            State::Starting { .. } => {
                let retry = !is_complaint(end) && end != SocketEnd::Closed(Some(NORMAL));
                self.not_reached(now, retry, reason, effects);
            }
            // A server may close instead of saying that it is done.
            State::Live { .. } | State::Stopping { .. } if self.is_done() => self.end(self.exit(), effects),
            // A complaint soon after the start is about what we are, and will come again. Later it is about a moment:
            // an access token that has expired, a queue that was full.
            State::Live { since } | State::Stopping { since }
                if is_complaint(end) && now < since + STABLE_AFTER =>
            {
                self.fail(reason, effects);
            }
            State::Live { since } | State::Stopping { since } => {
                let why = match end {
                    SocketEnd::Closed(_) => Interruption::ClosedByServer,
                    SocketEnd::Lost | SocketEnd::Fault => Interruption::ConnectionLost,
                };
                self.interrupt(now, since, why, reason, effects);
            }
            State::Closing { .. } => self.end(self.exit(), effects),
            State::New | State::Connecting | State::Waiting { .. } | State::Ended => {}
        }
    }

    /// The server does not listen any more: all that it may not have is sent again on another connection.
    fn interrupt(
        &mut self,
        now: Millis,
        live_since: Millis,
        why: Interruption,
        reason: Cow<'static, str>,
        effects: &mut Vec<Effect>,
    ) {
        let dropped_before = self.upload.dropped();
        let lost = self.upload.rewind();
        if self.connected_reported {
            self.interrupted = Some(Interrupted { since: now, dropped_before });
            effects.push(Effect::ReportInterrupted { why, unacknowledged: self.upload.behind() });
        }
        if lost > 0 {
            effects.push(Effect::ReportDropped {
                reason: "a lost connection had it, and audio.buffer_seconds had passed",
            });
        }
        self.retries.served(now, now - live_since);
        self.not_reached(now, true, reason, effects);
    }

    /// An attempt failed before the server listened.
    fn not_reached(
        &mut self,
        now: Millis,
        retry: bool,
        reason: Cow<'static, str>,
        effects: &mut Vec<Effect>,
    ) {
        let pause = self.retries.pause();
        let until = now + pause;
        let limit = self.ending.map_or(self.retries.give_up_at(), |(_, until)| until);
        if !retry || until >= limit {
            return self.fail(reason, effects);
        }
        self.state = State::Waiting { until };
        effects.push(Effect::ReportRetry { reason: reason.into_owned(), pause });
    }

    fn tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if self.wake_at().is_none_or(|due| now < due) {
            return;
        }
        let out_of_time = self.ending.is_some_and(|(_, until)| now >= until);
        match self.state {
            State::Connecting | State::Starting { .. } | State::Waiting { .. } if out_of_time => {
                effects.push(Effect::DropSocket);
                self.fail("the caller was gone before the server listened".into(), effects);
            }
            State::Connecting => {
                effects.push(Effect::DropSocket);
                self.fail("no answer from the server".into(), effects);
            }
            State::Waiting { .. } => self.connect(effects),
            State::Starting { since, .. } if now >= since + START_LIMIT => {
                effects.push(Effect::DropSocket);
                self.not_reached(now, true, "start_request was not acknowledged".into(), effects);
            }
            State::Starting { since, .. } => {
                self.state = State::Starting { since, request_due: true, resend_at: None };
            }
            // What could not be delivered, or was not answered, in time.
            State::Live { .. } | State::Stopping { .. } if out_of_time => {
                self.state = State::Closing { since: now, frame_due: true };
            }
            State::Live { since } | State::Stopping { since } => {
                self.check_at = now + self.check_every();
                self.receipts.check(now, self.upload.behind() > 0);
                if self.receipts.is_overdue(now, millis(self.limits.acknowledge_within)) {
                    effects.push(Effect::DropSocket);
                    let reason = "audio was not acknowledged".into();
                    self.interrupt(now, since, Interruption::NoAcknowledgement, reason, effects);
                }
            }
            State::Closing { .. } => {
                effects.push(Effect::DropSocket);
                self.end(self.exit(), effects);
            }
            State::New | State::Ended => {}
        }
    }

    /// The server failed for good: the media socket has nobody to talk to.
    fn fail(&mut self, reason: Cow<'static, str>, effects: &mut Vec<Effect>) {
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

    /// Returns where the leg is.
    pub fn stage(&self) -> Stage {
        match self.state {
            State::New | State::Connecting => Stage::Connecting,
            State::Waiting { .. } => Stage::Waiting,
            State::Starting { .. } => Stage::Starting,
            State::Live { .. } => Stage::Live,
            State::Stopping { .. } => Stage::Stopping,
            State::Closing { .. } | State::Ended => Stage::Closing,
        }
    }

    /// Returns whether the server listens on the present connection.
    fn is_heard(&self) -> bool {
        matches!(self.state, State::Live { .. } | State::Stopping { .. })
    }

    /// Returns whether the caller is gone and the server has all.
    fn is_done(&self) -> bool {
        self.ending.is_some() && self.upload.behind() == 0
    }

    fn check_every(&self) -> Millis {
        (millis(self.limits.acknowledge_within) / CHECKS_PER_LIMIT).max(1)
    }
}

/// Returns whether the server complains about what we say, rather than about its own state.
fn is_complaint(end: SocketEnd) -> bool {
    match end {
        SocketEnd::Closed(code) => matches!(code, Some(1002 | 1003 | 1007..=1010)),
        SocketEnd::Lost => false,
        SocketEnd::Fault => true,
    }
}

fn earliest(moment: Millis, other: Option<Millis>) -> Millis {
    other.map_or(moment, |other| other.min(moment))
}

/// Returns a duration in milliseconds.
pub fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
