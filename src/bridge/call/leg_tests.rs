//! The leg under scripted and random schedules of events.

use proptest::prelude::*;

use super::*;

const LIMITS: LegLimits =
    LegLimits { buffer: 1000, give_up_after: Duration::from_secs(30), stop_within: Duration::from_secs(10) };

/// A leg with everything it did, for assertions.
struct Bench {
    leg: Leg,
    now: Millis,
    effects: Vec<Effect>,
    frames: Vec<String>,
    sent: Vec<u8>,
}

impl Bench {
    fn begun() -> Self {
        let mut bench =
            Self { leg: Leg::new(LIMITS, 7), now: 0, effects: vec![], frames: vec![], sent: vec![] };
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
        while let Some(frame) = self.leg.next_frame() {
            let name = match frame {
                Outgoing::StartRequest => "start",
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

    fn ended(&self) -> Option<LegExit> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::ReportEnded(exit) => Some(*exit),
            _ => None,
        })
    }
}

fn lost(retry: bool) -> LegEvent {
    LegEvent::SocketEnded { retry, reason: "lost".to_owned() }
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
    bench.event(LegEvent::Completed);
    bench.event(lost(false));
    bench.event(lost(false));
    assert_eq!(bench.frames, ["start", "audio", "stop", "close"]);
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
    assert_eq!(bench.frames, ["start", "audio", "stop"]);
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
    bench.sleep();
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

/// One step of a random schedule.
#[derive(Debug, Clone)]
enum Step {
    Event(LegEvent),
    Hear(usize),
    /// The socket takes this many frames.
    Pull(usize),
    Pass(Millis),
    SleepUntilDue,
}

fn step() -> impl Strategy<Value = Step> {
    let exits = prop_oneof![
        Just(LegExit::Hangup),
        Just(LegExit::SocketClosed),
        Just(LegExit::CallCompleted),
        Just(LegExit::Shutdown)
    ];
    prop_oneof![
        6 => (1usize..400).prop_map(Step::Hear),
        4 => (1usize..4).prop_map(Step::Pull),
        2 => (0u64..4000).prop_map(Step::Pass),
        2 => Just(Step::SleepUntilDue),
        1 => exits.prop_map(|exit| Step::Event(LegEvent::MediaEnded(exit))),
        2 => Just(Step::Event(LegEvent::Opened)),
        2 => Just(Step::Event(LegEvent::Acknowledged)),
        1 => Just(Step::Event(LegEvent::ConversationNamed("V".to_owned()))),
        1 => any::<bool>().prop_map(|retry| Step::Event(not_opened(retry))),
        1 => any::<bool>().prop_map(|retry| Step::Event(lost(retry))),
        1 => Just(Step::Event(LegEvent::Completed)),
        1 => Just(Step::Event(LegEvent::Tick)),
        1 => Just(Step::Event(LegEvent::Begin)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Design section 8 for any schedule: audio out is an ordered run of audio in with every loss counted, the
    /// buffer keeps its bound, each report comes once and in order, nothing follows the end, and every leg
    /// whose audio ended comes to its end in bounded time.
    #[test]
    fn every_schedule_keeps_the_invariants(steps in prop::collection::vec(step(), 1..120)) {
        let mut bench = Bench::begun();
        let mut heard: Vec<u8> = vec![];
        // Where in `heard` each dropped run began and how long it was.
        let mut lost_runs: Vec<(usize, usize)> = vec![];
        let mut next_byte = 0u8;
        for step in steps {
            let was_over = bench.ended().is_some();
            let effects_before = bench.effects.len();
            match step {
                Step::Hear(count) => {
                    let audio: Vec<u8> = (0..count).map(|_| { next_byte = next_byte.wrapping_add(1); next_byte }).collect();
                    let oldest_waiting = heard.len() - bench.leg.upload().waiting();
                    let taken_before = bench.leg.upload().heard();
                    let dropped = bench.leg.hear(&audio);
                    if bench.leg.upload().heard() > taken_before {
                        heard.extend_from_slice(&audio);
                        if dropped > 0 { lost_runs.push((oldest_waiting, dropped)); }
                    }
                }
                Step::Pull(frames) => {
                    for _ in 0..frames {
                        if let Some(Outgoing::Audio(audio)) = bench.leg.next_frame() {
                            bench.sent.extend_from_slice(audio);
                            let count = audio.len();
                            bench.leg.mark_sent(count);
                        }
                    }
                }
                Step::Pass(time) => bench.now += time,
                Step::SleepUntilDue => {
                    if let Some(due) = bench.leg.wake_at() {
                        bench.now = bench.now.max(due);
                        let effects = bench.leg.on_event(bench.now, LegEvent::Tick);
                        bench.effects.extend(effects);
                    }
                }
                Step::Event(event) => {
                    let effects = bench.leg.on_event(bench.now, event);
                    bench.effects.extend(effects);
                }
            }
            prop_assert!(bench.leg.upload().waiting() <= LIMITS.buffer);
            if was_over {
                prop_assert_eq!(bench.effects.len(), effects_before, "an effect after the end");
                prop_assert!(bench.leg.next_frame().is_none());
            }
        }
        // The caller is gone and the server says nothing more: time alone must end the leg.
        bench.event(LegEvent::MediaEnded(LegExit::Hangup));
        let gone_at = bench.now;
        while bench.ended().is_none() { bench.sleep(); }
        prop_assert!(bench.now <= gone_at + 12_000, "{} ms after the end of the audio", bench.now - gone_at);

        let mut expected = heard.clone();
        for (start, count) in lost_runs.iter().rev() { expected.drain(start..&(start + count)); }
        prop_assert!(expected.starts_with(&bench.sent), "audio out is not an ordered run of audio in");
        let upload = bench.leg.upload();
        prop_assert_eq!(upload.heard(), upload.sent() + upload.dropped() + upload.waiting() as u64);

        let count = |wanted: fn(&Effect) -> bool| bench.effects.iter().filter(|effect| wanted(effect)).count();
        prop_assert_eq!(count(|e| matches!(e, Effect::ReportEnded(_))), 1);
        prop_assert_eq!(count(|e| matches!(e, Effect::ReportMediaEnded(_))), 1);
        let connected = count(|e| matches!(e, Effect::ReportConnected { .. }));
        prop_assert!(connected <= 1);
        prop_assert!(matches!(bench.effects.last(), Some(Effect::ReportEnded(_))));
    }
}
