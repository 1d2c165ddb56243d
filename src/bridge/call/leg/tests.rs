//! The leg under scripted events.

#[path = "any_order_tests.rs"]
mod any_order;

use super::*;

use super::retries::{FIRST_PAUSE, LAST_PAUSE};

pub(super) const LIMITS: LegLimits = LegLimits {
    buffer: 1000,
    give_up_after: Duration::from_secs(30),
    acknowledge_within: Duration::from_secs(4),
    stop_within: Duration::from_secs(10),
};

/// A leg with everything it did, for assertions.
struct Bench {
    leg: Leg,
    now: Millis,
    effects: Vec<Effect>,
    frames: Vec<String>,
    sent: Vec<u8>,
    pinged: Option<u64>,
}

impl Bench {
    fn begun() -> Self {
        let mut bench = Self {
            leg: Leg::new(LIMITS, 7),
            now: 0,
            effects: vec![],
            frames: vec![],
            sent: vec![],
            pinged: None,
        };
        bench.event(LegEvent::Begin);
        bench
    }

    fn live() -> Self {
        let mut bench = Self::begun();
        bench.event(LegEvent::Opened);
        bench.event(LegEvent::ConversationNamed("V".to_owned()));
        bench.event(LegEvent::Acknowledged);
        bench
    }

    fn event(&mut self, event: LegEvent) {
        let effects = self.leg.on_event(self.now, event);
        self.effects.extend(effects);
        self.pull();
    }

    /// What the socket does: takes frames until none is due.
    fn pull(&mut self) {
        while let Some(frame) = self.leg.next_frame(self.now) {
            let name = match frame {
                Outgoing::StartRequest => "start",
                Outgoing::Ping(position) => {
                    self.pinged = Some(position);
                    "ping"
                }
                Outgoing::StopRequest => "stop",
                Outgoing::Close => "close",
                Outgoing::Audio(audio) => {
                    assert!(!audio.is_empty() && audio.len() <= MESSAGE_LIMIT);
                    self.sent.extend_from_slice(audio);
                    let count = audio.len();
                    self.leg.mark_sent(count);
                    "audio"
                }
            };
            self.frames.push(name.to_owned());
        }
    }

    /// Lets time pass to the next moment the leg asked for.
    fn sleep(&mut self) {
        self.now = self.leg.wake_at().expect("the leg waits for something");
        self.event(LegEvent::Tick);
    }

    /// Lets time pass to `moment`, waking the leg whenever it asked to be.
    fn sleep_until(&mut self, moment: Millis) {
        while let Some(due) = self.leg.wake_at().filter(|due| *due <= moment) {
            self.now = due;
            self.event(LegEvent::Tick);
        }
        self.now = moment;
        self.pull();
    }

    /// What the server does with a ping.
    fn answer(&mut self) {
        let position = self.pinged.take().expect("a ping");
        self.event(LegEvent::Received(position));
    }

    /// Connects again after a loss, and lets the server listen.
    fn come_back(&mut self) {
        self.sleep();
        self.event(LegEvent::Opened);
        self.event(LegEvent::Acknowledged);
    }

    fn ended(&self) -> Option<LegExit> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::ReportEnded(exit) => Some(*exit),
            _ => None,
        })
    }
}

fn lost() -> LegEvent {
    LegEvent::SocketEnded { end: SocketEnd::Lost, reason: "lost".to_owned() }
}

fn closed(code: u16) -> LegEvent {
    LegEvent::SocketEnded { end: SocketEnd::Closed(Some(code)), reason: format!("closed with {code}") }
}

fn not_opened(retry: bool) -> LegEvent {
    LegEvent::NotOpened { retry, reason: "refused".to_owned() }
}

#[test]
fn audio_heard_before_the_server_listens_is_sent_when_it_does() {
    let mut bench = Bench::begun();
    bench.leg.hear(b"one ");
    bench.event(LegEvent::Opened);
    bench.leg.hear(b"two ");
    bench.pull();
    assert_eq!(bench.frames, ["start"]);
    bench.event(LegEvent::ConversationNamed("V".to_owned()));
    bench.event(LegEvent::Acknowledged);
    bench.leg.hear(b"three");
    bench.pull();
    assert_eq!(bench.sent, b"one two three");
    let connected = Effect::ReportConnected { conversation_id: "V".to_owned(), buffered: 8 };
    assert_eq!(bench.effects, [Effect::Connect, connected]);
}

#[test]
fn a_leg_stops_in_order_and_reports_once() {
    let mut bench = Bench::live();
    bench.leg.hear(b"last words");
    bench.event(LegEvent::MediaEnded(LegExit::Hangup));
    bench.event(LegEvent::MediaEnded(LegExit::CallCompleted));
    bench.leg.hear(b"too late");
    bench.answer();
    bench.event(LegEvent::Completed);
    bench.event(closed(1000));
    bench.event(closed(1000));
    assert_eq!(bench.frames, ["start", "audio", "ping", "stop", "close"]);
    assert_eq!(bench.sent, b"last words");
    let ends = bench.effects.iter().filter(|effect| matches!(effect, Effect::ReportEnded(_))).count();
    assert_eq!((bench.ended(), ends), (Some(LegExit::Hangup), 1));
    assert_eq!(bench.leg.wake_at(), None);
}

#[test]
fn a_caller_who_hangs_up_before_the_server_listens_is_still_heard() {
    let mut bench = Bench::begun();
    bench.leg.hear(b"short call");
    bench.event(LegEvent::MediaEnded(LegExit::Hangup));
    bench.event(not_opened(true));
    bench.sleep();
    bench.event(LegEvent::Opened);
    bench.event(LegEvent::Acknowledged);
    assert_eq!(bench.sent, b"short call");
    assert_eq!(bench.frames, ["start", "audio", "ping", "stop"]);
}

#[test]
fn a_leg_without_audio_that_ends_before_the_server_listens_ends_at_once() {
    let mut bench = Bench::begun();
    bench.event(LegEvent::MediaEnded(LegExit::CallCompleted));
    assert_eq!(bench.ended(), Some(LegExit::CallCompleted));
    assert!(bench.effects.contains(&Effect::DropSocket));
}

#[test]
fn attempts_are_paused_and_end_at_the_limit() {
    let mut bench = Bench::begun();
    let mut pauses = vec![];
    while bench.ended().is_none() {
        bench.event(not_opened(true));
        if let Some(Effect::ReportRetry { pause, .. }) = bench.effects.last() {
            pauses.push(*pause);
            bench.sleep();
        }
    }
    assert!(pauses.iter().all(|pause| (FIRST_PAUSE / 2..=LAST_PAUSE).contains(pause)), "{pauses:?}");
    assert!(pauses.len() > 5 && bench.now <= 30_000, "{pauses:?} until {}", bench.now);
    assert_eq!(bench.ended(), Some(LegExit::UpstreamFailed));
    assert!(bench.effects.contains(&Effect::CloseMedia));
}

#[test]
fn a_permanent_refusal_is_not_tried_again() {
    let mut bench = Bench::begun();
    bench.event(not_opened(false));
    assert_eq!(bench.ended(), Some(LegExit::UpstreamFailed));
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::ReportRetry { .. })));
}

#[test]
fn a_silent_server_is_asked_again_and_then_left() {
    let mut bench = Bench::begun();
    bench.event(LegEvent::Opened);
    bench.sleep();
    assert_eq!((bench.now, bench.frames.len()), (RESEND_START_AFTER, 2));
    bench.sleep();
    assert_eq!(bench.now, START_LIMIT);
    assert!(matches!(bench.effects.last(), Some(Effect::ReportRetry { .. })));
}

#[test]
fn a_server_that_never_completes_is_closed_at_the_limit() {
    let mut bench = Bench::live();
    bench.event(LegEvent::MediaEnded(LegExit::Hangup));
    bench.sleep_until(10_000);
    assert_eq!(bench.frames, ["start", "stop", "close"]);
    bench.sleep();
    assert_eq!((bench.now, bench.ended()), (12_000, Some(LegExit::Hangup)));
}

#[test]
fn the_conversation_may_be_named_before_or_after_the_acknowledgement() {
    for name_first in [true, false] {
        let mut bench = Bench::begun();
        bench.event(LegEvent::Opened);
        let mut events = [LegEvent::ConversationNamed("V".to_owned()), LegEvent::Acknowledged];
        if !name_first {
            events.reverse();
        }
        events.into_iter().for_each(|event| bench.event(event));
        assert!(matches!(bench.effects.last(), Some(Effect::ReportConnected { .. })));
    }
}

#[test]
fn a_ping_follows_the_audio_once_a_second_and_its_answer_frees_the_ring() {
    let mut bench = Bench::live();
    for piece in 0..30 {
        bench.now = piece * 100;
        bench.leg.hear(b"12345");
        bench.pull();
        if bench.pinged.is_some() {
            bench.answer();
        }
    }
    assert_eq!(bench.frames.iter().filter(|frame| *frame == "ping").count(), 2);
    // Heard in 3.0 s, acknowledged at 2.0 s.
    assert_eq!((bench.leg.upload().behind(), bench.leg.upload().most_behind()), (50, 55));
}

#[test]
fn what_the_server_did_not_acknowledge_is_sent_again_on_the_next_connection() {
    let mut bench = Bench::live();
    bench.leg.hear(b"one ");
    bench.now = 1_000;
    bench.pull();
    bench.answer();
    bench.leg.hear(b"two ");
    bench.pull();
    bench.event(lost());
    bench.leg.hear(b"three");
    bench.come_back();
    assert_eq!(bench.sent, b"one two two three");
    let interrupted = Effect::ReportInterrupted { why: Interruption::ConnectionLost, unacknowledged: 4 };
    assert!(bench.effects.contains(&interrupted), "{:?}", bench.effects);
    let after = bench.now - 1_000;
    let resumed = Effect::ReportResumed { conversation_id: "V".to_owned(), after, lost: 0 };
    assert_eq!(bench.effects.last(), Some(&resumed));
}

#[test]
fn audio_that_a_lost_connection_had_and_the_ring_has_not_is_reported_as_lost() {
    let mut bench = Bench::live();
    bench.leg.hear(&[1; 600]);
    bench.pull();
    assert_eq!(bench.leg.hear(&[2; 600]), 0, "what is on its way makes room, and is not lost yet");
    bench.event(lost());
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::ReportDropped { .. })));
    bench.come_back();
    assert!(matches!(bench.effects.last(), Some(Effect::ReportResumed { lost: 200, .. })));
    assert_eq!(bench.leg.upload().dropped(), 200);
}

#[test]
fn a_server_that_answers_no_ping_counts_as_lost() {
    let mut bench = Bench::live();
    bench.leg.hear(b"hello?");
    bench.sleep_until(1_000);
    assert_eq!(bench.frames, ["start", "audio", "ping"]);
    bench.sleep_until(6_000);
    let why = Interruption::NoAcknowledgement;
    assert!(bench.effects.contains(&Effect::ReportInterrupted { why, unacknowledged: 6 }));
    assert!(bench.effects.contains(&Effect::DropSocket));
}

#[test]
fn an_answer_about_audio_that_was_never_sent_says_nothing() {
    let mut bench = Bench::live();
    bench.leg.hear(b"hello?");
    bench.now = 1_000;
    bench.pull();
    bench.event(LegEvent::Received(7));
    assert_eq!(bench.leg.upload().behind(), 6);
    bench.event(LegEvent::Received(6));
    assert_eq!(bench.leg.upload().behind(), 0);
}

#[test]
fn a_connection_lost_while_stopping_delivers_the_rest_on_another() {
    let mut bench = Bench::live();
    bench.leg.hear(b"last words");
    bench.event(LegEvent::MediaEnded(LegExit::Hangup));
    bench.event(closed(1011));
    bench.come_back();
    bench.answer();
    bench.event(LegEvent::Completed);
    bench.event(closed(1000));
    assert_eq!(bench.frames, ["start", "audio", "ping", "stop", "start", "audio", "ping", "stop", "close"]);
    assert_eq!((bench.sent.as_slice(), bench.ended()), (&b"last wordslast words"[..], Some(LegExit::Hangup)));
}

/// Its end and our last words may cross on their way: only the answer to the last ping tells.
#[test]
fn a_server_that_ends_before_it_has_the_last_words_gets_them_on_another_connection() {
    for event in [LegEvent::Completed, closed(1000)] {
        let mut bench = Bench::live();
        bench.leg.hear(b"last words");
        bench.event(LegEvent::MediaEnded(LegExit::Hangup));
        bench.event(event);
        assert_eq!(bench.ended(), None);
        bench.come_back();
        assert_eq!(bench.sent, b"last wordslast words");
        bench.answer();
        bench.event(closed(1000));
        assert_eq!(bench.ended(), Some(LegExit::Hangup));
    }
}

#[test]
fn a_socket_that_takes_neither_audio_nor_ping_is_given_up_all_the_same() {
    let mut bench = Bench::live();
    bench.leg.hear(b"hello?");
    let mut effects = vec![];
    while effects.is_empty() {
        bench.now = bench.leg.wake_at().expect("the leg waits for something");
        effects = bench.leg.on_event(bench.now, LegEvent::Tick);
    }
    let why = Interruption::NoAcknowledgement;
    assert!(effects.contains(&Effect::ReportInterrupted { why, unacknowledged: 6 }));
    assert!(bench.now <= 6_000, "{}", bench.now);
}

#[test]
fn a_connection_lost_when_all_is_delivered_ends_the_leg() {
    let mut bench = Bench::live();
    bench.leg.hear(b"last words");
    bench.event(LegEvent::MediaEnded(LegExit::Hangup));
    bench.answer();
    bench.event(lost());
    assert_eq!(bench.ended(), Some(LegExit::Hangup));
}

#[test]
fn a_complaint_is_final_soon_after_the_start_and_passes_later() {
    for (moment, is_final) in [(STABLE_AFTER - 1, true), (STABLE_AFTER, false)] {
        let mut bench = Bench::live();
        bench.sleep_until(moment);
        bench.event(closed(1008));
        assert_eq!(bench.ended().is_some(), is_final, "at {moment} ms");
    }
}

#[test]
fn a_server_that_breaks_every_connection_at_once_is_left_at_the_limit() {
    let mut bench = Bench::live();
    while bench.ended().is_none() {
        bench.event(lost());
        if bench.ended().is_none() {
            bench.come_back();
        }
    }
    assert!((20_000..=30_000).contains(&bench.now), "{}", bench.now);
    let count = |wanted: fn(&Effect) -> bool| bench.effects.iter().filter(|effect| wanted(effect)).count();
    let interrupted = count(|effect| matches!(effect, Effect::ReportInterrupted { .. }));
    assert_eq!(interrupted, count(|effect| matches!(effect, Effect::ReportResumed { .. })) + 1);
}

#[test]
fn a_server_that_ends_the_conversation_in_mid_call_is_asked_again() {
    for event in [LegEvent::Completed, closed(1000)] {
        let mut bench = Bench::live();
        bench.event(event);
        bench.sleep();
        bench.event(LegEvent::Opened);
        bench.event(LegEvent::ConversationNamed("W".to_owned()));
        bench.event(LegEvent::Acknowledged);
        let is_resumed = |effect: &Effect| matches!(effect, Effect::ReportResumed { conversation_id, .. } if conversation_id == "W");
        assert!(bench.effects.iter().any(is_resumed), "{:?}", bench.effects);
    }
}
