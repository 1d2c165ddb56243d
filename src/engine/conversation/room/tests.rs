use proptest::prelude::*;

use super::*;
use crate::engine::insight::analyst::SentenceFindings;
use crate::engine::insight::intents::{Assignee, Intent, IntentKind};
use crate::symbl::Speaker;
use crate::symbl::server_message::User;

const ANCHOR: Anchor = Anchor { leg_offset_ms: 0, began_at_ms: 1_000_000 };

fn request(user_id: &str, no_connection_timeout_s: u64) -> Arc<StartRequest> {
    Arc::new(StartRequest {
        speaker: Some(Speaker { user_id: user_id.to_owned(), name: format!("name of {user_id}") }),
        no_connection_timeout: Duration::from_secs(no_connection_timeout_s),
        ..StartRequest::default()
    })
}

fn words(text: &str) -> Heard {
    Heard::Final {
        transcript: text.to_owned(),
        punctuated: text.to_owned(),
        words: Vec::new(),
        confidence: 0.9,
        start_ms: 0,
        end_ms: 1000,
    }
}

fn partial(text: &str) -> Heard {
    Heard::Partial { text: text.to_owned(), start_ms: 0, end_ms: 500 }
}

fn kind(message: &ServerMessage) -> &'static str {
    match message {
        ServerMessage::StartedListening => "listening",
        ServerMessage::ConversationCreated(_) => "created",
        ServerMessage::RecognitionStarted(_) => "started",
        ServerMessage::RecognitionResult(result) if result.is_final => "final",
        ServerMessage::RecognitionResult(_) => "interim",
        ServerMessage::MessageResponse(_) => "message",
        ServerMessage::InsightResponse(_) => "insight",
        ServerMessage::TrackerResponse(_) => "tracker",
        ServerMessage::ConversationCompleted(_) => "completed",
        ServerMessage::RecognitionStopped => "stopped",
        _ => "other",
    }
}

/// Two legs `a` and `b`, a subscriber `s`, and a room; effects are told in short, each with those it reaches.
struct Stage {
    room: Room,
    names: BTreeMap<SocketId, &'static str>,
}

impl Stage {
    fn new() -> (Self, SocketId, SocketId, SocketId) {
        let (a, b, s) = (SocketId::next(), SocketId::next(), SocketId::next());
        let mut room = Room::default();
        room.leg_joined(a);
        room.leg_joined(b);
        room.subscriber_joined(s, 0);
        let names = [(a, "a"), (b, "b"), (s, "s")].into_iter().collect();
        (Self { room, names }, a, b, s)
    }

    fn tell(&self, effects: &[Effect]) -> Vec<String> {
        let reached = |to: Audience| -> String {
            let sockets = self.room.sockets(to);
            sockets.iter().filter_map(|id| self.names.get(id)).copied().collect()
        };
        effects
            .iter()
            .filter(|effect| !matches!(effect, Effect::Record(_) | Effect::Watch { .. }))
            .map(|effect| match effect {
                Effect::Send { to, message } => format!("{}:{}", reached(to.clone()), kind(message)),
                Effect::Close { to, code, .. } => {
                    format!("{}:close {}", reached(to.clone()), u16::from(*code))
                }
                Effect::EndLeg(id, then) => format!("{}:end {then:?}", self.names[id]),
                Effect::AwaitFlush(id, ear) => format!("{}:flush {ear}", self.names[id]),
                Effect::AwaitReturn(_, time) => format!("return {}", time.as_secs()),
                Effect::Judge(..) => "judge".to_owned(),
                Effect::LookEarly(_) => "look".to_owned(),
                Effect::Remember(_) => "remember".to_owned(),
                Effect::Watch { .. } | Effect::Record(_) => String::new(),
                Effect::Began(_) => "began".to_owned(),
                Effect::Finalised(_) => "finalised".to_owned(),
            })
            .collect()
    }

    fn start(&mut self, leg: SocketId, user: &str, ear: EarNumber) -> Vec<String> {
        let effects = self.room.leg_started(leg, request(user, 0), Some(ear), 1_000_000);
        self.told(effects)
    }

    fn hear(&mut self, leg: SocketId, ear: EarNumber, heard: Heard) -> Vec<String> {
        let effects = self.room.heard(leg, ear, ANCHOR, heard, 1_000_000);
        self.told(effects)
    }

    /// Judges at once whatever is to be judged, and tells the rest.
    fn told(&mut self, effects: Vec<Effect>) -> Vec<String> {
        let effects = judge_at_once(&mut self.room, effects);
        self.tell(&effects)
    }
}

/// Answers every question as the analysis thread would, without its time.
fn judge_at_once(room: &mut Room, effects: Vec<Effect>) -> Vec<Effect> {
    let mut performed = Vec::new();
    let mut open: std::collections::VecDeque<Effect> = effects.into();
    while let Some(effect) = open.pop_front() {
        match effect {
            Effect::Judge(number, ask) => {
                let answer = match ask {
                    Ask::Sentences(sentences) => {
                        Answer::Sentences(vec![SentenceFindings::default(); sentences.len()])
                    }
                    _ => Answer::Nothing,
                };
                for effect in room.judged(number, answer).into_iter().rev() {
                    open.push_front(effect);
                }
            }
            other => performed.push(other),
        }
    }
    performed
}

fn conversation_id(effects: &[Effect]) -> String {
    let id = effects.iter().find_map(|effect| match effect {
        Effect::Send { message, .. } => message.conversation_id(),
        _ => None,
    });
    id.unwrap().to_owned()
}

#[test]
fn a_start_is_acknowledged_by_three_messages_and_shown_to_subscribers() {
    let (mut stage, a, b, _) = Stage::new();
    assert_eq!(stage.start(a, "+1", 1), ["began", "s:created", "a:listening", "a:created", "a:started"]);
    assert_eq!(stage.start(b, "+2", 1), ["b:listening", "b:created", "b:started"]);
    assert_eq!(stage.start(a, "+1", 1), ["a:listening", "a:created", "a:started"]);
}

#[test]
fn results_go_to_the_speaker_and_subscribers_messages_to_everyone() {
    let (mut stage, a, b, _) = Stage::new();
    stage.start(a, "+1", 1);
    assert_eq!(stage.hear(a, 1, words("Before b has started.")), ["as:final", "as:message"]);
    stage.start(b, "+2", 1);
    assert_eq!(stage.hear(a, 1, partial("Hello")), ["as:interim"]);
    assert_eq!(stage.hear(a, 1, words("Hello.")), ["as:final", "abs:message"]);
    assert_eq!(stage.hear(b, 1, words("Hi.")), ["bs:final", "abs:message"]);
    assert!(stage.hear(b, 1, words("  ")).is_empty());
    assert!(stage.hear(b, 1, partial("")).is_empty());
}

#[test]
fn interim_results_are_sent_only_if_wanted() {
    let (mut stage, a, ..) = Stage::new();
    let mut wish = StartRequest::default();
    wish.speech.interim_results = Some(false);
    stage.room.leg_started(a, Arc::new(wish), Some(1), 0);
    assert!(stage.hear(a, 1, partial("Hello")).is_empty());
    assert_eq!(stage.hear(a, 1, words("Hello.")).len(), 2);
}

#[test]
fn sequence_numbers_run_per_conversation_and_speakers_are_named() {
    let (mut stage, a, b, _) = Stage::new();
    stage.start(a, "+1", 1);
    stage.room.leg_started(b, Arc::default(), Some(1), 0);
    for (expected, leg) in [a, b, a].into_iter().enumerate() {
        let effects = stage.room.heard(leg, 1, ANCHOR, words("Yes."), 0);
        let mut effects = judge_at_once(&mut stage.room, effects);
        effects.retain(|effect| matches!(effect, Effect::Send { .. }));
        let [Effect::Send { message: result, .. }, Effect::Send { message, .. }] = &effects[..] else {
            panic!("{effects:?}");
        };
        let (ServerMessage::RecognitionResult(result), ServerMessage::MessageResponse(response)) =
            (&**result, &**message)
        else {
            panic!("{effects:?}");
        };
        assert_eq!(response.sequence_number, expected as u64);
        assert_eq!(result.user.id.len(), 36);
        if leg == a {
            assert_eq!(response.messages[0].from, result.user);
            assert_eq!((result.user.user_id.as_str(), result.user.name.as_str()), ("+1", "name of +1"));
        } else {
            assert_eq!(response.messages[0].from, User::default(), "nobody named this speaker");
            assert_eq!(result.user.name, "");
        }
    }
}

#[test]
fn last_words_come_before_completed_and_completed_before_stopped() {
    let (mut stage, a, ..) = Stage::new();
    stage.start(a, "+1", 1);
    let effects = stage.room.leg_stopped(a, AfterStop::Close);
    assert_eq!(stage.tell(&effects), ["a:flush 1"]);
    assert!(stage.hear(a, 1, partial("late")).is_empty());
    assert_eq!(stage.hear(a, 1, words("Bye.")), ["as:final", "as:message"]);
    assert_eq!(
        stage.hear(a, 1, Heard::Done),
        ["a:completed", "a:stopped", "a:close 1000", "s:completed", "s:close 1000", "finalised"]
    );
}

#[test]
fn a_recogniser_that_does_not_finish_is_not_waited_for_for_ever() {
    let (mut stage, a, ..) = Stage::new();
    stage.start(a, "+1", 1);
    stage.room.leg_stopped(a, AfterStop::Close);
    let effects = stage.room.flush_expired(a, 1);
    assert_eq!(stage.tell(&effects)[..3], ["a:completed", "a:stopped", "a:close 1000"]);
    assert!(stage.hear(a, 1, words("Too late.")).is_empty());
    assert!(stage.hear(a, 1, Heard::Done).is_empty());
}

#[test]
fn one_leg_stops_and_the_other_goes_on() {
    let (mut stage, a, b, _) = Stage::new();
    stage.start(a, "+1", 1);
    stage.start(b, "+2", 1);
    stage.room.leg_stopped(a, AfterStop::Close);
    assert_eq!(stage.hear(a, 1, Heard::Done), ["a:completed", "a:stopped", "a:close 1000"]);
    assert_eq!(stage.hear(b, 1, words("Still here.")), ["bs:final", "bs:message"]);
    stage.room.socket_gone(a);
    stage.room.leg_stopped(b, AfterStop::Close);
    assert_eq!(stage.hear(b, 1, Heard::Done).last().unwrap(), "finalised");
}

#[test]
fn a_close_right_behind_stop_is_a_normal_stop() {
    let (mut stage, a, b, _) = Stage::new();
    stage.room.leg_started(a, request("+1", 300), Some(1), 0);
    stage.start(b, "+2", 1);
    stage.room.leg_stopped(a, AfterStop::Close);
    stage.room.socket_gone(a);
    assert_eq!(stage.hear(a, 1, words("Bye.")), ["as:final", "bs:message"], "a is gone, b and s are not");
    assert!(stage.hear(a, 1, Heard::Done).is_empty());
    stage.room.leg_stopped(b, AfterStop::Close);
    assert_eq!(stage.hear(b, 1, Heard::Done).last().unwrap(), "finalised", "nobody waits for a");
}

#[test]
fn a_dropped_leg_may_return_to_the_same_conversation_within_its_time() {
    let (mut stage, a, b, _) = Stage::new();
    let first = conversation_id(&stage.room.leg_started(a, request("+1", 300), Some(1), 0));
    let effects = stage.room.socket_gone(a);
    assert_eq!(stage.tell(&effects), ["a:flush 1"]);
    let effects = stage.room.heard(a, 1, ANCHOR, Heard::Done, 0);
    let effects = judge_at_once(&mut stage.room, effects);
    let [Effect::AwaitReturn(wait, time)] = effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(time, Duration::from_secs(300));

    let effects = stage.room.leg_started(b, request("+1", 300), Some(1), 0);
    assert_eq!(conversation_id(&effects), first);
    assert!(stage.room.return_expired(wait).is_empty(), "somebody came back");
    stage.room.socket_gone(b);
    let effects = stage.room.heard(b, 1, ANCHOR, Heard::Done, 0);
    let [Effect::AwaitReturn(wait, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    let effects = stage.room.return_expired(wait);
    assert_eq!(stage.tell(&effects), ["s:completed", "s:close 1000", "finalised"]);
}

#[test]
fn without_a_time_to_return_a_drop_finalises_and_the_next_start_begins_anew() {
    let (mut stage, a, b, _) = Stage::new();
    let first = conversation_id(&stage.room.leg_started(a, request("+1", 0), None, 0));
    let effects = stage.room.socket_gone(a);
    assert_eq!(stage.tell(&effects), ["s:completed", "s:close 1000", "finalised"]);
    assert_ne!(conversation_id(&stage.room.leg_started(b, request("+1", 0), None, 0)), first);
}

#[test]
fn a_paused_leg_keeps_its_conversation_and_starts_again_in_it() {
    let (mut stage, a, ..) = Stage::new();
    let first = conversation_id(&stage.room.leg_started(a, request("+1", 0), Some(1), 0));
    stage.room.leg_stopped(a, AfterStop::Pause);
    assert_eq!(stage.hear(a, 1, Heard::Done), ["a:completed", "a:stopped"]);
    let again = stage.room.leg_stopped(a, AfterStop::Pause);
    assert_eq!(stage.tell(&again), ["a:completed", "a:stopped"]);
    assert_eq!(conversation_id(&stage.room.leg_started(a, request("+1", 0), Some(2), 0)), first);
    stage.room.leg_stopped(a, AfterStop::Pause);
    stage.hear(a, 2, Heard::Done);
    let effects = stage.room.socket_gone(a);
    assert_eq!(stage.tell(&effects), ["s:completed", "s:close 1000", "finalised"]);
}

#[test]
fn a_start_that_overtakes_the_answer_to_stop_gets_both_answers_in_order() {
    let (mut stage, a, ..) = Stage::new();
    stage.start(a, "+1", 1);
    stage.room.leg_stopped(a, AfterStop::Pause);
    assert_eq!(
        stage.start(a, "+1", 2),
        ["a:completed", "a:stopped", "a:listening", "a:created", "a:started"]
    );
    assert_eq!(stage.hear(a, 1, words("From before.")), ["as:final", "as:message"]);
    assert!(stage.hear(a, 1, Heard::Done).is_empty());
}

#[test]
fn a_leg_that_stops_before_it_starts_completes_at_once_and_disturbs_nobody() {
    let (mut stage, a, b, _) = Stage::new();
    stage.start(b, "+2", 1);
    let effects = stage.room.leg_stopped(a, AfterStop::Close);
    assert_eq!(stage.tell(&effects), ["a:completed", "a:close 1000"]);
    assert_eq!(stage.hear(b, 1, words("Hm.")), ["bs:final", "bs:message"]);
}

#[test]
fn the_same_user_is_the_same_member_and_another_user_is_not() {
    let (mut stage, a, b, _) = Stage::new();
    let member = |room: &mut Room, leg| {
        let effects = room.heard(leg, 1, ANCHOR, words("x"), 0);
        match &effects[0] {
            Effect::Send { message, .. } => match &**message {
                ServerMessage::RecognitionResult(result) => result.user.id.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    stage.start(a, "+1", 1);
    stage.start(b, "+2", 1);
    let (of_a, of_b) = (member(&mut stage.room, a), member(&mut stage.room, b));
    assert_ne!(of_a, of_b);
    stage.start(b, "+1", 1);
    assert_eq!(member(&mut stage.room, b), of_a);
}

#[test]
fn a_late_subscriber_hears_of_the_conversation_at_once() {
    let (mut stage, a, _, s) = Stage::new();
    assert!(stage.room.subscriber_joined(s, 0).is_empty());
    stage.start(a, "+1", 1);
    let effects = stage.room.subscriber_joined(s, 0);
    assert_eq!(stage.tell(&effects), ["s:created"]);
}

#[test]
fn silence_ends_the_legs_and_waiting_ends_a_subscriber() {
    let (mut stage, a, _, _) = Stage::new();
    let idle = Duration::from_secs(60);
    assert!(stage.room.check_idle(idle, 59_999).is_empty());
    let effects = stage.room.check_idle(idle, 60_000);
    assert_eq!(stage.tell(&effects), ["s:close 1000"]);
    stage.room.leg_started(a, request("+1", 0), Some(1), 60_000);
    assert!(stage.room.check_idle(idle, 119_999).is_empty());
    let effects = stage.room.check_idle(idle, 120_000);
    assert!(stage.tell(&effects).contains(&"a:end Close".to_owned()));
}

#[test]
fn a_drain_ends_everybody_in_order() {
    let (mut stage, a, b, _) = Stage::new();
    stage.start(a, "+1", 1);
    let effects = stage.room.drain();
    assert_eq!(stage.tell(&effects), ["a:end GoAway", "b:close 1001"]);
    stage.room.leg_stopped(a, AfterStop::GoAway);
    assert_eq!(
        stage.hear(a, 1, Heard::Done),
        ["a:completed", "a:stopped", "a:close 1001", "s:completed", "s:close 1001", "finalised"]
    );
    stage.room.socket_gone(a);
    stage.room.socket_gone(b);
    assert!(stage.room.is_empty());
    let effects = stage.room.leg_joined(a);
    assert_eq!(stage.tell(&effects), ["a:close 1001"]);
}

#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Subscribe(usize),
    Start(usize, bool),
    Hear(usize),
    Done(usize),
    Stop(usize, bool),
    Gone(usize),
    Flushed(usize),
    Returned,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..4usize;
    prop_oneof![
        who.clone().prop_map(Step::Join),
        who.clone().prop_map(Step::Subscribe),
        (who.clone(), any::<bool>()).prop_map(|(who, stays)| Step::Start(who, stays)),
        who.clone().prop_map(Step::Hear),
        who.clone().prop_map(Step::Done),
        (who.clone(), any::<bool>()).prop_map(|(who, pause)| Step::Stop(who, pause)),
        who.clone().prop_map(Step::Gone),
        who.prop_map(Step::Flushed),
        Just(Step::Returned),
        Just(Step::Drain),
    ]
}

proptest! {
    /// Whatever happens in whatever order: `completed` goes before `stopped` on every leg, no conversation begins
    /// before the last is finalised, message numbers have no gap, and when all are gone nothing is remembered.
    #[test]
    fn no_order_of_events_breaks_the_rules(steps in prop::collection::vec(step(), 0..80)) {
        let legs: Vec<_> = (0..4).map(|_| SocketId::next()).collect();
        let subscribers: Vec<_> = (0..4).map(|_| SocketId::next()).collect();
        let mut ears = [0; 4];
        let mut waits = Vec::new();
        let mut room = Room::default();
        let mut live = false;
        let mut next_number = 0;
        let mut owes_stopped: Option<SocketId> = None;
        let endings = legs.iter().map(|_| Step::Returned).chain((0..4).map(Step::Gone)).chain((0..4).map(Step::Flushed));
        for step in steps.into_iter().chain(endings).chain([Step::Returned]) {
            let effects = match step {
                Step::Join(n) => room.leg_joined(legs[n]),
                Step::Subscribe(n) => room.subscriber_joined(subscribers[n], 0),
                Step::Start(n, stays) => {
                    ears[n] += 1;
                    room.leg_started(legs[n], request("+1", if stays { 60 } else { 0 }), Some(ears[n]), 0)
                }
                Step::Hear(n) => room.heard(legs[n], ears[n], ANCHOR, words("Yes."), 0),
                Step::Done(n) => room.heard(legs[n], ears[n], ANCHOR, Heard::Done, 0),
                Step::Stop(n, true) => room.leg_stopped(legs[n], AfterStop::Pause),
                Step::Stop(n, false) => room.leg_stopped(legs[n], AfterStop::Close),
                Step::Gone(n) => {
                    let mut effects = room.socket_gone(legs[n]);
                    effects.extend(room.socket_gone(subscribers[n]));
                    effects
                }
                Step::Flushed(n) => room.flush_expired(legs[n], ears[n]),
                Step::Returned => waits.drain(..).flat_map(|wait| room.return_expired(wait)).collect(),
                Step::Drain => room.drain(),
            };
            for effect in effects {
                match effect {
                    Effect::Began(_) => { prop_assert!(!live); live = true; next_number = 0; }
                    Effect::Finalised(_) => { prop_assert!(live); live = false; }
                    Effect::AwaitReturn(wait, _) => waits.push(wait),
                    Effect::Send { to, message } => match (*message, to) {
                        (ServerMessage::ConversationCompleted(_), Audience::One(id)) => owes_stopped = Some(id),
                        (ServerMessage::RecognitionStopped, Audience::One(id)) => prop_assert_eq!(owes_stopped, Some(id)),
                        (ServerMessage::MessageResponse(response), _) => {
                            prop_assert_eq!(response.sequence_number, next_number);
                            next_number += 1;
                        }
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
        prop_assert!(room.is_empty(), "{room:?}");
    }
}

/// A start request that wants everything.
fn curious(user_id: &str) -> Arc<StartRequest> {
    use crate::symbl::client_message::InsightType;
    Arc::new(StartRequest {
        insight_types: vec![InsightType::Question, InsightType::ActionItem],
        sentiment: true,
        detect_entities: true,
        interim_trackers: true,
        confidence_threshold: 0.6,
        ..(*request(user_id, 0)).clone()
    })
}

fn question(score: f64) -> SentenceFindings {
    let intent = Intent { kind: IntentKind::Question, score, assignee: Assignee::Nobody };
    let follow_up = Intent { kind: IntentKind::FollowUp, score: 1.0, assignee: Assignee::Speaker };
    let hit = TrackerHit {
        id: "7".to_owned(),
        name: "Refund".to_owned(),
        phrase: "money back".to_owned(),
        range: Some(0..4),
    };
    SentenceFindings { intents: vec![intent, follow_up], polarity: 0.5, hits: vec![hit] }
}

/// Returns the number of the task in `effects` that has sentences judged.
fn handed(effects: &[Effect]) -> TaskNumber {
    let number = effects.iter().find_map(|effect| match effect {
        Effect::Judge(number, Ask::Sentences(_)) => Some(*number),
        _ => None,
    });
    number.unwrap()
}

#[test]
fn words_leave_at_once_and_their_meaning_follows_the_message() {
    let (mut stage, a, ..) = Stage::new();
    stage.room.leg_started(a, curious("+1"), Some(1), 0);
    let effects = stage.room.heard(a, 1, ANCHOR, words("May I have my money back?"), 0);
    assert_eq!(stage.tell(&effects), ["as:final", "judge"]);
    let answer = Answer::Sentences(vec![question(0.9)]);
    let effects = stage.room.judged(handed(&effects), answer);
    assert_eq!(stage.tell(&effects), ["as:message", "as:insight", "as:tracker"]);
    let sent: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { message, .. } => Some(&**message),
            _ => None,
        })
        .collect();
    let [
        ServerMessage::MessageResponse(message),
        ServerMessage::InsightResponse(insights),
        ServerMessage::TrackerResponse(trackers),
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    let id = &message.messages[0].id;
    assert!(message.sentiment && message.messages[0].sentiment.as_ref().unwrap().suggested == "positive");
    assert_eq!(insights.insights.len(), 1, "nobody asked for follow-ups");
    assert_eq!(&insights.insights[0].message_reference.id, id);
    let found = &trackers.trackers[0].matches[0];
    assert_eq!((&found.message_refs[0].id, found.message_refs[0].offset), (id, 0));
    assert_eq!(found.insight_refs[0].id, insights.insights[0].id);
    let records: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Record(_))).collect();
    assert_eq!(records.len(), 3, "what is sent is written down: {records:?}");
}

#[test]
fn an_insight_below_the_threshold_is_neither_sent_nor_kept() {
    let (mut stage, a, ..) = Stage::new();
    stage.room.leg_started(a, curious("+1"), Some(1), 0);
    let effects = stage.room.heard(a, 1, ANCHOR, words("Perhaps?"), 0);
    let unsure = SentenceFindings { hits: Vec::new(), ..question(0.55) };
    let effects = stage.room.judged(handed(&effects), Answer::Sentences(vec![unsure]));
    assert_eq!(stage.tell(&effects), ["as:message"]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Record(Record::Insight(_)))));
}

#[test]
fn messages_leave_in_the_order_of_speech_whatever_is_judged_first() {
    let (mut stage, a, ..) = Stage::new();
    stage.room.leg_started(a, curious("+1"), Some(1), 0);
    let first = handed(&stage.room.heard(a, 1, ANCHOR, words("One."), 0));
    let second = handed(&stage.room.heard(a, 1, ANCHOR, words("Two."), 0));
    let nothing = || Answer::Sentences(vec![SentenceFindings::default()]);
    assert!(stage.room.judged(second, nothing()).is_empty());
    let effects = stage.room.judged(first, nothing());
    let said: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record(Record::Message(message)) => Some((message.sequence, message.text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(said, [(0, "One."), (1, "Two.")]);
    assert!(stage.room.judged(first, nothing()).is_empty(), "an answer counts once");
}

#[test]
fn a_stop_is_acknowledged_after_the_last_sentence_was_judged() {
    let (mut stage, a, ..) = Stage::new();
    stage.room.leg_started(a, curious("+1"), Some(1), 0);
    stage.room.leg_stopped(a, AfterStop::Close);
    let sentence = handed(&stage.room.heard(a, 1, ANCHOR, words("Bye."), 0));
    let effects = stage.room.heard(a, 1, ANCHOR, Heard::Done, 0);
    assert!(effects.is_empty(), "its last sentence is being judged: {effects:?}");
    let answer = Answer::Sentences(vec![SentenceFindings::default()]);
    let effects = stage.room.judged(sentence, answer);
    assert_eq!(stage.tell(&effects), ["as:message", "judge"], "topics are asked for once more");
    let Some(Effect::Judge(topics, Ask::Topics)) = effects.last() else { panic!("{effects:?}") };
    let effects = stage.room.judged(*topics, Answer::Nothing);
    assert_eq!(stage.tell(&effects)[..2], ["a:completed", "a:stopped"]);
}

#[test]
fn a_sentence_that_nobody_judges_in_time_is_a_message_all_the_same() {
    let (mut stage, a, ..) = Stage::new();
    stage.room.leg_started(a, curious("+1"), Some(1), 0);
    stage.room.heard(a, 1, ANCHOR, words("Bye."), 0);
    stage.room.leg_stopped(a, AfterStop::Close);
    let effects = stage.room.flush_expired(a, 1);
    assert_eq!(stage.tell(&effects)[..3], ["as:message", "a:completed", "a:stopped"]);
}

#[test]
fn trackers_in_words_that_may_change_are_told_as_such() {
    let (mut stage, a, ..) = Stage::new();
    stage.room.leg_started(a, curious("+1"), Some(1), 0);
    let effects = stage.room.heard(a, 1, ANCHOR, partial("money back"), 0);
    assert_eq!(stage.tell(&effects), ["as:interim", "look"]);
    let effects = stage.room.seen_early("money back", &question(0.9).hits);
    let [Effect::Send { message, .. }] = &effects[..] else { panic!("{effects:?}") };
    let ServerMessage::TrackerResponse(early) = &**message else { panic!("{message:?}") };
    assert!(!early.is_final && early.trackers[0].matches[0].message_refs[0].id.is_empty());
}

#[test]
fn a_restart_goes_on_with_the_conversation_and_its_numbers() {
    use crate::engine::store::record::{ConversationRecord, MemberRecord};
    use crate::engine::store::view::OpenConversation;
    let before = Interrupted {
        conversation: OpenConversation {
            record: ConversationRecord {
                id: "1234".to_owned(),
                connection_id: "c".to_owned(),
                name: "Call".to_owned(),
                start_ms: 0,
                end_ms: None,
                no_connection_timeout_ms: 300_000,
            },
            members: vec![MemberRecord {
                id: "member".to_owned(),
                name: "Anna".to_owned(),
                user_id: "+1".to_owned(),
            }],
            next_sequence: 7,
            last_message_end_ms: Some(5000),
        },
        messages: Vec::new(),
    };
    let mut room = Room::new("c");
    let effects = room.resume(before, Duration::from_secs(60), 10_000);
    let waits = effects
        .iter()
        .any(|effect| matches!(effect, Effect::AwaitReturn(_, time) if *time == Duration::from_secs(300)));
    assert!(waits, "{effects:?}");
    let leg = SocketId::next();
    room.leg_joined(leg);
    assert_eq!(conversation_id(&room.leg_started(leg, curious("+1"), Some(1), 20_000)), "1234");
    let effects = room.heard(leg, 1, ANCHOR, words("Back again."), 21_000);
    let effects = judge_at_once(&mut room, effects);
    let Some(Record::Message(message)) = effects.iter().find_map(|effect| match effect {
        Effect::Record(record @ Record::Message(_)) => Some(record),
        _ => None,
    }) else {
        panic!("{effects:?}");
    };
    assert_eq!((message.sequence, message.member_id.as_deref()), (7, Some("member")));
}
