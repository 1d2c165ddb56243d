//! The leg under events in any order, possible or not.

use proptest::prelude::*;

use super::super::tests::LIMITS;
use super::super::*;

/// One step of a random schedule.
#[derive(Debug, Clone)]
enum Step {
    Event(LegEvent),
    /// The server answers a ping, this far before or beyond what was sent.
    Answer(i64),
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
    let ends = prop_oneof![
        Just(SocketEnd::Lost),
        Just(SocketEnd::Fault),
        Just(SocketEnd::Closed(None)),
        prop_oneof![Just(1000), Just(1001), Just(1008), Just(1011), Just(1013)]
            .prop_map(|code| SocketEnd::Closed(Some(code))),
    ];
    prop_oneof![
        6 => (1usize..400).prop_map(Step::Hear),
        4 => (1usize..4).prop_map(Step::Pull),
        3 => (-300i64..20).prop_map(Step::Answer),
        2 => (0u64..4000).prop_map(Step::Pass),
        2 => Just(Step::SleepUntilDue),
        1 => exits.prop_map(|exit| Step::Event(LegEvent::MediaEnded(exit))),
        3 => Just(Step::Event(LegEvent::Opened)),
        3 => Just(Step::Event(LegEvent::Acknowledged)),
        1 => prop_oneof![Just("V"), Just("W")]
            .prop_map(|name| Step::Event(LegEvent::ConversationNamed(name.to_owned()))),
        1 => any::<bool>()
            .prop_map(|retry| Step::Event(LegEvent::NotOpened { retry, reason: "refused".to_owned() })),
        1 => ends.prop_map(|end| Step::Event(LegEvent::SocketEnded { end, reason: "ended".to_owned() })),
        1 => Just(Step::Event(LegEvent::Completed)),
        1 => Just(Step::Event(LegEvent::Tick)),
        1 => Just(Step::Event(LegEvent::Begin)),
    ]
}

/// A leg, what it did, and the audio as the server must get it.
struct Run {
    leg: Leg,
    now: Millis,
    effects: Vec<Effect>,
    /// All that was heard and not dropped before a socket had it: positions are indices.
    stream: Vec<u8>,
}

impl Run {
    fn event(&mut self, event: LegEvent) {
        let effects = self.leg.on_event(self.now, event);
        self.effects.extend(effects);
    }

    fn hear(&mut self, count: usize) {
        let before = self.leg.upload().heard();
        let audio: Vec<u8> = (before..).map(|byte| byte as u8).take(count).collect();
        let dropped = self.leg.hear(&audio) as usize;
        if self.leg.upload().heard() > before {
            let sent = self.leg.upload().sent() as usize;
            self.stream.extend_from_slice(&audio);
            self.stream.drain(sent..sent + dropped);
        }
    }

    fn pull(&mut self) -> Result<(), TestCaseError> {
        let sent = self.leg.upload().sent() as usize;
        if let Some(Outgoing::Audio(audio)) = self.leg.next_frame(self.now) {
            let count = audio.len();
            prop_assert!(count > 0 && count <= MESSAGE_LIMIT);
            prop_assert_eq!(audio, &self.stream[sent..sent + count], "at {}", sent);
            self.leg.mark_sent(count);
        }
        Ok(())
    }

    fn sleep(&mut self) {
        if let Some(due) = self.leg.wake_at() {
            self.now = self.now.max(due);
            self.event(LegEvent::Tick);
        }
    }

    fn count(&self, wanted: fn(&Effect) -> bool) -> usize {
        self.effects.iter().filter(|effect| wanted(effect)).count()
    }

    fn is_over(&self) -> bool {
        self.count(|effect| matches!(effect, Effect::ReportEnded(_))) > 0
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Design section 8 for any schedule: each piece of audio is the one that belongs at its position, the ring keeps
    /// its bound, each report comes once and in order, nothing follows the end, and every leg whose audio ended
    /// comes to its end in bounded time.
    #[test]
    fn every_schedule_keeps_the_invariants(steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run { leg: Leg::new(LIMITS, 7), now: 0, effects: vec![], stream: vec![] };
        run.event(LegEvent::Begin);
        for step in steps {
            let (was_over, effects_before) = (run.is_over(), run.effects.len());
            match step {
                Step::Hear(count) => run.hear(count),
                Step::Pull(frames) => for _ in 0..frames { run.pull()?; },
                Step::Answer(off) => {
                    let position = run.leg.upload().sent().saturating_add_signed(off);
                    run.event(LegEvent::Received(position));
                }
                Step::Pass(time) => run.now += time,
                Step::SleepUntilDue => run.sleep(),
                Step::Event(event) => run.event(event),
            }
            prop_assert!(run.leg.upload().kept() <= LIMITS.buffer);
            prop_assert!(run.leg.upload().sent() <= run.stream.len() as u64);
            if was_over {
                prop_assert_eq!(run.effects.len(), effects_before, "an effect after the end");
                prop_assert!(run.leg.next_frame(run.now).is_none());
            }
        }
        // The caller is gone and the server says nothing more: time alone must end the leg.
        run.event(LegEvent::MediaEnded(LegExit::Hangup));
        let gone_at = run.now;
        while !run.is_over() {
            run.sleep();
            run.pull()?;
        }
        prop_assert!(run.now <= gone_at + 12_000, "{} ms after the end of the audio", run.now - gone_at);

        prop_assert_eq!(run.count(|effect| matches!(effect, Effect::ReportEnded(_))), 1);
        prop_assert_eq!(run.count(|effect| matches!(effect, Effect::ReportMediaEnded(_))), 1);
        let connected = run.count(|effect| matches!(effect, Effect::ReportConnected { .. }));
        prop_assert!(connected <= 1);
        let is_last = matches!(run.effects.last(), Some(Effect::ReportEnded(_)));
        prop_assert!(is_last);
        let turns: Vec<bool> = run.effects.iter().filter_map(|effect| match effect {
            Effect::ReportInterrupted { .. } => Some(true),
            Effect::ReportResumed { .. } => Some(false),
            _ => None,
        }).collect();
        prop_assert!(turns.iter().enumerate().all(|(at, turn)| *turn == (at % 2 == 0)), "{:?}", turns);
        prop_assert!(connected == 1 || turns.is_empty());
    }
}
