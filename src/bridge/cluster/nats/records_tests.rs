//! The rules that all nodes keep.

use super::*;
use crate::symbl::Speaker;

fn room(name: &str) -> Room {
    Room::parse(name).unwrap()
}

fn leg(node: &str) -> LegRecord {
    let view = LegView {
        speaker: Speaker::default(),
        connection_id: "C".to_owned(),
        conversation_id: None,
        call_sid: "CA1".to_owned(),
        room: "r".to_owned(),
    };
    LegRecord::new(node, view)
}

#[test]
fn a_token_opens_one_stream_on_whatever_node() {
    let mut call = CallRecord::new(&room("r"));
    assert_eq!(call.begin(1, "one", leg("a")), Ok(()));
    assert_eq!(call.begin(1, "two", leg("b")), Err(StreamRefusal::TokenUsed));
    assert_eq!(call.begin(2, "two", leg("b")), Ok(()));
    call.move_to(&room("elsewhere"));
    assert_eq!((call.room.as_str(), call.legs.len()), ("r", 2), "who is streamed stays");
}

#[test]
fn the_first_leg_brings_the_connection_and_the_last_takes_it_away() {
    let mut record = None;
    assert_eq!(ConferenceRecord::join(&mut record, 0, "one", "a", "C1"), "C1");
    assert_eq!(ConferenceRecord::join(&mut record, 0, "two", "b", "C2"), "C1");
    ConferenceRecord::leave(&mut record, 0, "one", false);
    ConferenceRecord::leave(&mut record, 0, "one", false);
    assert_eq!(ConferenceRecord::join(&mut record, 0, "three", "a", "C3"), "C1");
    ConferenceRecord::leave(&mut record, 0, "two", false);
    ConferenceRecord::leave(&mut record, 0, "three", false);
    assert_eq!(record, None);
    assert_eq!(ConferenceRecord::join(&mut record, 0, "four", "a", "C4"), "C4");
}

#[test]
fn a_conference_whose_last_leg_was_lost_keeps_its_connection_for_a_minute() {
    let mut record = None;
    ConferenceRecord::join(&mut record, 0, "one", "a", "C1");
    ConferenceRecord::leave(&mut record, 1_000, "one", true);
    ConferenceRecord::leave(&mut record, 2_000, "one", false);
    let mut late = record.clone();
    assert_eq!(ConferenceRecord::join(&mut record, 60_999, "two", "b", "C2"), "C1");
    assert_eq!(ConferenceRecord::join(&mut late, 61_000, "two", "b", "C2"), "C2");
}

#[test]
fn a_lost_leg_is_reported_by_one_node_and_by_another_if_that_dies_too() {
    let mut call = CallRecord::new(&room("r"));
    call.begin(1, "one", leg("dead")).unwrap();
    let dead = |node: &str| node == "dead";
    assert!(!call.mark_lost("one", "b", |_| false), "its node lives");
    assert!(call.mark_lost("one", "b", dead));
    assert!(!call.mark_lost("one", "c", dead), "b reports it");
    assert!(call.mark_lost("one", "b", dead), "again, if b was interrupted");
    assert!(call.mark_lost("one", "c", |node| node == "dead" || node == "b"));
    assert!(!call.mark_lost("two", "c", dead), "nobody knows it");
}

#[test]
fn a_node_that_was_cut_off_takes_its_legs_back_under_their_names_unless_they_were_reported_lost() {
    let mut call = CallRecord::new(&room("r"));
    call.begin(1, "one", leg("a")).unwrap();
    assert!(call.take_back(1, "one", leg("a"), true));
    assert!(call.mark_lost("one", "b", |_| true));
    assert!(!call.take_back(1, "one", leg("a"), true), "marked");
    call.legs.clear();
    assert!(!call.take_back(1, "one", leg("a"), true), "removed");
    assert!(call.take_back(3, "new", leg("a"), false), "begun while the node was alone");
    assert_eq!(call.next_stream, 4);

    let mut conference = None;
    ConferenceRecord::take_back(&mut conference, 0, "one", "a", "C1");
    ConferenceRecord::take_back(&mut conference, 0, "two", "b", "C2");
    let open = conference.unwrap();
    assert_eq!((open.connection_id.as_str(), open.legs.len()), ("C1", 1), "another connection stays apart");
}

#[test]
fn pairs_are_made_in_the_order_of_arrival() {
    let mut pairs = Pairs::default();
    let fresh = |number: u32| room(&format!("pair-{number}"));
    assert_eq!(pairs.room_for(0, "CA1", Role::Customer, &fresh(1)), "pair-1");
    assert_eq!(pairs.room_for(1, "CA2", Role::Customer, &fresh(2)), "pair-2");
    assert_eq!(pairs.room_for(2, "CA3", Role::Agent, &fresh(3)), "pair-1");
    assert_eq!(pairs.room_for(3, "CA3", Role::Agent, &fresh(4)), "pair-1", "asked again");
    assert_eq!(pairs.room_for(4, "CA4", Role::Agent, &fresh(5)), "pair-2");
    assert_eq!(pairs.room_for(5, "CA5", Role::Agent, &fresh(6)), "pair-6", "nobody is alone");
    pairs.call_ended("CA1");
    assert_eq!(pairs.room_for(6, "CA6", Role::Customer, &fresh(7)), "pair-1", "the agent is alone there");
    assert_eq!(pairs.room_for(LONGEST_CALL + 9, "CA7", Role::Agent, &fresh(8)), "pair-8", "long over");
}

#[test]
fn work_is_claimed_once_until_its_time_is_over() {
    let mut claim = None;
    assert!(Claim::take(&mut claim, 10, 100, "a"));
    assert!(!Claim::take(&mut claim, 109, 100, "a"));
    assert!(Claim::take(&mut claim, 110, 100, "a"));
}

#[test]
fn a_leg_that_is_handed_over_is_taken_once_while_its_node_lives_and_not_when_its_call_is_over() {
    let nobody_is_dead = |_: &str| false;
    let mut call = CallRecord::new(&room("r"));
    call.begin(1, "one", leg("a")).unwrap();
    assert!(!call.mark_lost("one", "b", nobody_is_dead) && call.legs["one"].is_live());
    let mut over = CallRecord { ended: true, ..call.clone() };
    over.hand_over("one");
    assert!(!over.mark_lost("one", "b", nobody_is_dead));
    call.hand_over("one");
    assert!(!call.legs["one"].is_live());
    assert!(call.mark_lost("one", "b", nobody_is_dead));
    assert!(!call.mark_lost("one", "c", nobody_is_dead), "another has it");
    assert!(call.mark_lost("one", "c", |node| node == "b"), "who died before it did anything");
}

#[test]
fn a_claim_is_given_up_by_whoever_has_it() {
    let mut claim = None;
    assert!(Claim::take(&mut claim, 10, 100, "a"));
    Claim::release(&mut claim, "b");
    assert!(!Claim::take(&mut claim, 20, 100, "b"));
    Claim::release(&mut claim, "a");
    assert!(Claim::take(&mut claim, 30, 100, "b"));
}
