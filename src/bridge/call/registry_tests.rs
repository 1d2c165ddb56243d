//! Calls, conferences and what dashboards hear of them.

use proptest::prelude::*;

use super::*;
use crate::config::NamedParty;
use crate::twilio::PhoneNumber;

pub(super) const AGENT: &str = "+12125550001";
const OUR_NUMBER: &str = "+14155550100";
const ENDED_CALL_LIFETIME: Millis = 120_000;

pub(super) fn registry(policy: RoomPolicy) -> Registry {
    let agent = NamedParty { number: PhoneNumber::parse(AGENT).unwrap(), name: None, is_agent: true };
    let limits = RegistryLimits { calls: 5, legs: 5, ended_call_lifetime: ENDED_CALL_LIFETIME };
    Registry::new(policy, PartyList { people: vec![agent] }, limits)
}

pub(super) fn call(sid: &str, from: &str) -> Announcement {
    Announcement {
        trace: None,
        call_sid: CallSid::parse(sid).unwrap(),
        from: Caller::parse(from),
        to: OUR_NUMBER.to_owned(),
        room: None,
    }
}

pub(super) fn start(sid: &str, from: &str, stream: u32) -> StreamStart {
    StreamStart {
        call_sid: CallSid::parse(sid).unwrap(),
        stream_sid: StreamSid::parse(&format!("MZ{sid}{stream}")).unwrap(),
        stream,
        parameters: call(sid, from),
    }
}

/// Ids that differ.
pub(super) fn counter() -> impl Fn() -> String {
    let next = std::cell::Cell::new(0);
    move || {
        next.set(next.get() + 1);
        format!("id{}", next.get())
    }
}

#[test]
fn all_who_dial_one_number_meet_and_share_a_connection() {
    let mut registry = registry(RoomPolicy::Number);
    let unique = counter();
    for (sid, from) in [("CA1", AGENT), ("CA2", "+13105550177"), ("CA3", "anonymous")] {
        assert_eq!(registry.announce(0, &call(sid, from), &unique).room.as_str(), "number-14155550100");
    }
    let first = registry.begin_leg(1, &start("CA1", AGENT, 1), &unique).unwrap();
    let second = registry.begin_leg(2, &start("CA2", "+13105550177", 1), &unique).unwrap();
    assert_eq!(first.connection_id, second.connection_id);
    assert_eq!(
        (first.party.speaker.name.as_str(), second.party.speaker.name.as_str()),
        ("Agent", "Customer")
    );
}

#[test]
fn a_new_conference_in_an_old_room_gets_a_connection_of_its_own() {
    let mut registry = registry(RoomPolicy::Number);
    let unique = counter();
    let old = registry.begin_leg(0, &start("CA1", "+1310555", 1), &unique).unwrap();
    registry.media_ended(old.leg);
    let new = registry.begin_leg(1, &start("CA2", "+1310556", 1), &unique).unwrap();
    assert_ne!(old.connection_id, new.connection_id);
    assert_eq!(old.room, new.room);
}

#[test]
fn a_room_in_the_url_wins_and_nobody_is_paired_into_it() {
    let mut registry = registry(RoomPolicy::Pair);
    let unique = counter();
    let named = Announcement { room: Some(Room::parse("vip").unwrap()), ..call("CA1", "+1310555") };
    assert_eq!(registry.announce(0, &named, &unique).room.as_str(), "vip");
    assert_ne!(registry.announce(1, &call("CA2", AGENT), &unique).room.as_str(), "vip");
}

#[test]
fn agents_join_the_customer_who_has_waited_longest() {
    let mut registry = registry(RoomPolicy::Pair);
    let unique = counter();
    let first = registry.announce(0, &call("CA1", "+1310555"), &unique).room;
    let second = registry.announce(5, &call("CA2", "+1310556"), &unique).room;
    assert_ne!(first, second);
    assert_eq!(registry.announce(6, &call("CA3", AGENT), &unique).room, first);
    registry.call_ended(7, &CallSid::parse("CA1").unwrap());
    assert_eq!(
        registry.announce(8, &call("CA4", "sip:x@y.z"), &unique).room,
        first,
        "the agent waits there alone"
    );
    assert_eq!(registry.announce(9, &call("CA5", AGENT), &unique).room, second);
}

#[test]
fn asked_twice_about_a_call_the_plan_is_the_same() {
    let mut registry = registry(RoomPolicy::Pair);
    let unique = counter();
    let plan = registry.announce(0, &call("CA1", "+1310555"), &unique);
    assert_eq!(registry.announce(1, &call("CA1", "+1310555"), &unique), plan);
    registry.begin_leg(2, &start("CA1", "+1310555", 1), &unique).unwrap();
    assert_eq!(registry.announce(3, &call("CA1", "+1310555"), &unique).stream, Ok(2));
}

#[test]
fn a_token_opens_one_stream_and_a_newer_stream_replaces_the_older() {
    let mut registry = registry(RoomPolicy::Number);
    let unique = counter();
    let first = registry.begin_leg(0, &start("CA1", "+1310555", 1), &unique).unwrap();
    let again = registry.begin_leg(1, &start("CA1", "+1310555", 1), &unique);
    assert_eq!(again, Err(StreamRefusal::TokenUsed));
    let second = registry.begin_leg(2, &start("CA1", "+1310555", 2), &unique).unwrap();
    assert_eq!(second.replaces, [first.leg]);
    assert_eq!(second.connection_id, first.connection_id);
}

#[test]
fn callers_beyond_the_limit_join_without_a_stream() {
    let mut registry = registry(RoomPolicy::Number);
    for n in 0..5 {
        assert!(registry.announce(n, &call(&format!("CA{n}"), "+1310555"), String::new).stream.is_ok());
    }
    let sixth = registry.announce(9, &call("CA9", "+1310555"), String::new);
    assert_eq!((sixth.stream, sixth.room.as_str()), (Err(NotStreamed::TooManyCalls), "number-14155550100"));
    let refused = registry.begin_leg(9, &start("CA9", "+1310555", 1), String::new);
    assert_eq!(refused, Err(StreamRefusal::TooManyCalls));
}

#[test]
fn a_leg_beyond_the_limit_finds_no_place_unless_it_replaces_one() {
    let mut registry = registry(RoomPolicy::Number);
    registry.limits.legs = 1;
    registry.announce(0, &call("CA1", "+1310555"), String::new);
    registry.announce(0, &call("CA2", "+1310555"), String::new);
    let first = registry.begin_leg(1, &start("CA1", "+1310555", 1), String::new).unwrap().leg;
    assert_eq!(
        registry.announce(2, &call("CA2", "+1310555"), String::new).stream,
        Err(NotStreamed::TooManyLegs)
    );
    let refused = registry.begin_leg(2, &start("CA2", "+1310555", 1), String::new);
    assert_eq!(refused, Err(StreamRefusal::TooManyLegs));
    assert_eq!(registry.announce(3, &call("CA1", "+1310555"), String::new).stream, Ok(2));
    let second = registry.begin_leg(3, &start("CA1", "+1310555", 2), String::new).unwrap();
    assert_eq!(second.replaces, [first]);
    for leg in [first, second.leg] {
        registry.leg_ended(4, leg, LegExit::Hangup);
    }
    assert_eq!(registry.announce(5, &call("CA2", "+1310555"), String::new).stream, Ok(1));
    assert!(registry.begin_leg(5, &start("CA2", "+1310555", 1), String::new).is_ok());
}

#[test]
fn a_leg_that_never_connected_is_still_announced_and_ended_once() {
    let mut registry = registry(RoomPolicy::Number);
    let leg = registry.begin_leg(0, &start("CA1", "+1310555", 1), String::new).unwrap().leg;
    let news = registry.leg_ended(1, leg, LegExit::UpstreamFailed);
    assert!(matches!(
        &news[..],
        [LegNews::Started(..), LegNews::Failed(..), LegNews::Stopped(.., LegExit::UpstreamFailed)]
    ));
    assert!(registry.leg_ended(2, leg, LegExit::Panicked).is_empty());
    assert_eq!(registry.leg_connected(leg, "V".to_owned()), None);
}

#[test]
fn ended_calls_are_forgotten_after_their_tokens_have_died() {
    let mut registry = registry(RoomPolicy::Number);
    registry.announce(0, &call("CA1", "+1310555"), String::new);
    registry.call_ended(10, &CallSid::parse("CA1").unwrap());
    registry.call_ended(10, &CallSid::parse("CAunknown").unwrap());
    registry.forget_old_calls(10 + ENDED_CALL_LIFETIME - 1);
    assert_eq!(registry.calls(), 1);
    registry.forget_old_calls(10 + ENDED_CALL_LIFETIME);
    assert_eq!(registry.calls(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Announce(u8),
    Begin(u8, u32),
    Connected(u64),
    MediaEnded(u64),
    Interrupted(u64),
    Ended(u64, LegExit),
    CallEnded(u8),
    Forget(Millis),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..6).prop_map(Step::Announce),
        (0u8..6, 1u32..4).prop_map(|(call, stream)| Step::Begin(call, stream)),
        (1u64..12).prop_map(Step::Connected),
        (1u64..12).prop_map(Step::MediaEnded),
        (1u64..12).prop_map(Step::Interrupted),
        (1u64..12, any::<bool>()).prop_map(|(leg, has_failed)| {
            Step::Ended(leg, if has_failed { LegExit::UpstreamFailed } else { LegExit::Hangup })
        }),
        (0u8..6).prop_map(Step::CallEnded),
        (0u64..200_000).prop_map(Step::Forget),
    ]
}

proptest! {
    /// Whatever happens in whatever order: one started and one stopped a leg, started first, and in the end
    /// nothing is left.
    #[test]
    fn every_leg_is_announced_and_ended_exactly_once(steps in prop::collection::vec(step(), 1..80)) {
        let mut registry = registry(RoomPolicy::Pair);
        let unique = counter();
        let (mut begun, mut news, mut now) = (0u64, vec![], 0);
        for step in steps {
            now += 1;
            match step {
                Step::Announce(n) => { registry.announce(now, &call(&format!("CA{n}"), "+1310555"), &unique); }
                Step::Begin(n, stream) => {
                    let start = start(&format!("CA{n}"), "+1310555", stream);
                    begun += u64::from(registry.begin_leg(now, &start, &unique).is_ok());
                }
                Step::Connected(leg) => news.extend(registry.leg_connected(LegId(leg), "V".to_owned())),
                Step::MediaEnded(leg) => registry.media_ended(LegId(leg)),
                Step::Interrupted(leg) => {
                    news.extend(registry.leg_interrupted(LegId(leg), Interruption::ConnectionLost));
                }
                Step::Ended(leg, exit) => news.extend(registry.leg_ended(now, LegId(leg), exit)),
                Step::CallEnded(n) => { registry.call_ended(now, &CallSid::parse(&format!("CA{n}")).unwrap()); }
                Step::Forget(time) => { now += time; registry.forget_old_calls(now); }
            }
            prop_assert!(registry.calls() <= 5);
        }
        for leg in registry.live_legs() {
            news.extend(registry.leg_ended(now, leg.leg, LegExit::Shutdown));
        }
        for leg in 1..=begun {
            let of_leg: Vec<&str> = news.iter().filter_map(|news| match news {
                LegNews::Started(id, _) => (id.0 == leg).then_some("started"),
                LegNews::Interrupted(id, ..) => (id.0 == leg).then_some("interrupted"),
                LegNews::Failed(id, _) => (id.0 == leg).then_some("failed"),
                LegNews::Stopped(id, ..) => (id.0 == leg).then_some("stopped"),
                LegNews::Resumed { .. } => None,
            }).collect();
            let (first, rest) = of_leg.split_first().unwrap();
            let (last, between) = rest.split_last().unwrap();
            prop_assert_eq!((*first, *last), ("started", "stopped"));
            let has_failed = between.last() == Some(&"failed");
            let interruptions = if has_failed { &between[..between.len() - 1] } else { between };
            prop_assert!(interruptions.iter().all(|word| *word == "interrupted"), "{:?}", of_leg);
        }
        registry.forget_old_calls(now + SILENT_CALL_LIFETIME);
        prop_assert_eq!(registry.calls() + registry.live_legs().len(), 0);
    }
}
