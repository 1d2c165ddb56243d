//! What every store does: one list of tests, run on files of SQLite and on databases of a real PostgreSQL.

use std::time::{Duration, Instant};

use super::record::{
    ConversationRecord, EntityRecord, InsightRecord, MemberRecord, MessageRecord, Record, TopicRecord,
    TrackerMatchRecord, WordRecord,
};
use super::view::{ConversationQuery, JobRecord, StoreCounts, SummaryRecord, TrackerRecord};
use super::{MOST_TRACKERS, Store, StoreError};

pub(super) const HOUR_MS: i64 = 3_600_000;

pub(super) fn conversation(id: &str, start_ms: i64) -> Record {
    Record::Began(ConversationRecord {
        id: id.to_owned(),
        connection_id: format!("connection of {id}"),
        name: "Support call".to_owned(),
        start_ms,
        end_ms: None,
        no_connection_timeout_ms: 0,
    })
}

pub(super) fn member(conversation_id: &str, id: &str, name: &str) -> Record {
    let member = MemberRecord { id: id.to_owned(), name: name.to_owned(), user_id: format!("user of {id}") };
    Record::Member { conversation_id: conversation_id.to_owned(), member }
}

pub(super) fn message(conversation_id: &str, sequence: u64) -> MessageRecord {
    let start_ms = sequence as i64 * 3000;
    let word = |place: i64| WordRecord {
        word: "bill".to_owned(),
        start_ms: start_ms + place * 150,
        end_ms: start_ms + place * 150 + 140,
    };
    MessageRecord {
        id: format!("{conversation_id}-{sequence}"),
        conversation_id: conversation_id.to_owned(),
        sequence,
        member_id: Some(if sequence.is_multiple_of(2) { "agent" } else { "customer" }.to_owned()),
        text: "My last bill looks wrong, and nobody could tell me on the phone why that is.".to_owned(),
        start_ms,
        end_ms: start_ms + 2500,
        words: (0..16).map(word).collect(),
        polarity: -0.4,
        entities: vec![EntityRecord {
            kind: "PII".to_owned(),
            sub_type: "PHONE_NUMBER".to_owned(),
            text: "*****".to_owned(),
            offset: 3,
        }],
    }
}

pub(super) fn ended(id: &str, end_ms: i64) -> Record {
    Record::Ended { conversation_id: id.to_owned(), end_ms }
}

pub(super) fn tracker(id: &str, name: &str) -> TrackerRecord {
    let vocabulary = vec!["money back".to_owned()];
    TrackerRecord { id: id.to_owned(), name: name.to_owned(), vocabulary, ..TrackerRecord::default() }
}

/// Where a store is: opened again, it has what it had.
pub(super) trait Place {
    /// Opens the store.
    fn open(&self) -> Box<dyn Store>;
}

/// A test of any store.
pub(super) type StoreTest = fn(&dyn Place);

/// Names every test once.
macro_rules! list {
    ($($name:ident),+ $(,)?) => {
        /// All tests.
        pub(super) const LIST: &[(&str, StoreTest)] = &[$((stringify!($name), $name)),+];

        /// SQLite is quick to start: a test each.
        mod in_a_file {
            $(#[test]
            fn $name() {
                super::$name(&crate::engine::store::sqlite::tests::File::new());
            })+
        }
    };
}

list!(
    what_was_recorded_is_read_back_as_it_was_and_recording_it_twice_changes_nothing,
    everything_is_on_disk_within_a_second_without_being_asked_for,
    what_belongs_to_no_conversation_is_counted_and_the_rest_is_kept,
    conversations_are_taken_up_again_while_their_time_has_not_passed,
    retention_and_deletion_take_all_that_belongs_to_a_conversation,
    speakers_are_assigned_and_metadata_is_replaced,
    strange_records_are_kept_or_counted_and_hold_nothing_up,
    a_name_given_over_rest_outlives_what_clients_say,
    trackers_are_unique_by_name_bounded_and_survive_a_restart,
    jobs_change_their_status_and_go_with_their_conversation,
    ten_thousand_messages_are_read_in_a_moment,
    a_summary_is_replaced_by_a_newer_one_and_goes_with_its_conversation,
    conversations_are_found_by_what_occurs_anywhere_in_them,
);

pub(super) fn what_was_recorded_is_read_back_as_it_was_and_recording_it_twice_changes_nothing(
    place: &dyn Place,
) {
    let store = place.open();
    let insight = InsightRecord {
        id: "i1".to_owned(),
        conversation_id: "1".to_owned(),
        kind: "action_item".to_owned(),
        text: "I will send it.".to_owned(),
        message_id: "1-0".to_owned(),
        score: 0.93,
        from_id: Some("agent".to_owned()),
        assignee_id: None,
        due_ms: Some(HOUR_MS),
    };
    let found = TrackerMatchRecord {
        conversation_id: "1".to_owned(),
        tracker_id: "t".to_owned(),
        tracker_name: "Refund".to_owned(),
        value: "refund".to_owned(),
        message_id: "1-0".to_owned(),
        text: "A refund".to_owned(),
        offset: -1,
        insights: vec![("i1".to_owned(), "action_item".to_owned())],
    };
    let topic = TopicRecord {
        id: "topic".to_owned(),
        text: "bill".to_owned(),
        score: 0.5,
        message_ids: vec!["1-0".to_owned()],
        polarity: 0.1,
    };
    for _ in 0..2 {
        for record in [
            conversation("1", 0),
            member("1", "agent", "Agent"),
            Record::Message(message("1", 0)),
            Record::Insight(insight.clone()),
            Record::TrackerMatch(found.clone()),
            Record::Topics { conversation_id: "1".to_owned(), topics: vec![topic.clone()] },
            ended("1", 2500),
        ] {
            store.record(record);
        }
    }
    store.flush();
    let stored = store.conversation("1").unwrap().unwrap();
    assert_eq!((stored.record.end_ms, stored.members.len()), (Some(2500), 1));
    assert_eq!(store.messages("1", true).unwrap(), [message("1", 0)]);
    assert_eq!(store.messages("1", false).unwrap(), [MessageRecord { words: vec![], ..message("1", 0) }]);
    assert_eq!(store.insights("1").unwrap(), [insight]);
    assert_eq!(store.tracker_matches("1").unwrap(), [found]);
    assert_eq!(store.topics("1").unwrap(), [topic]);
    assert_eq!(store.talks("1").unwrap()[0].words, 16);
    assert_eq!(store.counts(), StoreCounts { waiting: 0, written: 14, lost: 0, failures: 0 });
}

pub(super) fn everything_is_on_disk_within_a_second_without_being_asked_for(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    store.record(Record::Message(message("1", 0)));
    let recorded_at = Instant::now();
    // Read by another connection than the one that writes.
    while store.messages("1", false).unwrap().is_empty() {
        assert!(recorded_at.elapsed() < Duration::from_secs(1));
    }
}

pub(super) fn what_belongs_to_no_conversation_is_counted_and_the_rest_is_kept(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    store.record(Record::Message(message("2", 0)));
    store.record(Record::Message(message("1", 0)));
    store.flush();
    assert_eq!(store.messages("1", false).unwrap().len(), 1);
    assert_eq!((store.counts().written, store.counts().lost), (2, 1));
}

pub(super) fn conversations_are_taken_up_again_while_their_time_has_not_passed(place: &dyn Place) {
    let store = place.open();
    for (id, connection_id, timeout_ms) in
        [("patient", "a", HOUR_MS), ("hasty", "b", 1000), ("older", "a", HOUR_MS), ("import", "", HOUR_MS)]
    {
        store.record(Record::Began(ConversationRecord {
            id: id.to_owned(),
            connection_id: connection_id.to_owned(),
            name: String::new(),
            start_ms: if id == "older" { 0 } else { 1 },
            end_ms: None,
            no_connection_timeout_ms: timeout_ms,
        }));
        store.record(Record::Message(message(id, 4)));
    }
    store.record(member("patient", "agent", "Agent"));
    drop(store);
    let store = place.open();
    let heard_ms = message("patient", 4).end_ms;
    // One engine's own store goes on with all at the start; one that is shared when somebody comes back.
    let mut open = store.open_conversations(heard_ms + 2000, 1500).unwrap();
    for connection_id in ["a", "b", ""] {
        open.extend(store.take_over(connection_id, heard_ms + 2000, 1500).unwrap());
    }
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].record.id.as_str(), open[0].next_sequence), ("patient", 5));
    assert_eq!((open[0].last_message_end_ms, open[0].members.len()), (Some(heard_ms), 1));
    let end = |store: &dyn Store, id: &str| store.conversation(id).unwrap().unwrap().record.end_ms;
    assert_eq!(end(&*store, "patient"), None);
    for id in ["hasty", "import"] {
        assert_eq!(end(&*store, id), Some(heard_ms), "{id}");
    }
    drop(store);
    let store = place.open();
    assert_eq!(store.open_conversations(heard_ms + HOUR_MS + 1, 0).unwrap(), []);
    assert_eq!(store.take_over("a", heard_ms + HOUR_MS + 1, 0).unwrap(), None);
    for id in ["patient", "older"] {
        assert_eq!(end(&*store, id), Some(heard_ms), "{id}");
    }
}

pub(super) fn retention_and_deletion_take_all_that_belongs_to_a_conversation(place: &dyn Place) {
    let store = place.open();
    for n in 0..120 {
        let id = n.to_string();
        store.record(conversation(&id, n));
        store.record(Record::Message(message(&id, 0)));
        store.record(ended(&id, n));
    }
    store.record(conversation("live", 0));
    store.flush();
    assert_eq!(store.delete_ended_before(119).unwrap(), 119);
    assert!(store.conversation("live").unwrap().is_some());
    assert_eq!(store.messages("119", false).unwrap().len(), 1);
    assert!(store.delete_conversation("119").unwrap());
    assert!(!store.delete_conversation("119").unwrap());
    store.record(Record::Message(message("119", 1)));
    store.flush();
    assert_eq!(store.messages("119", false).unwrap(), []);
    assert_eq!(store.counts().lost, 1, "what is recorded of a conversation that was deleted");
}

pub(super) fn speakers_are_assigned_and_metadata_is_replaced(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    store.record(Record::Message(message("1", 0)));
    let asked = |id: &str, from: &str, assignee: &str| {
        Record::Insight(InsightRecord {
            id: id.to_owned(),
            conversation_id: "1".to_owned(),
            kind: "action_item".to_owned(),
            text: "I will send it.".to_owned(),
            message_id: "1-0".to_owned(),
            score: 0.9,
            from_id: Some(from.to_owned()),
            assignee_id: Some(assignee.to_owned()),
            due_ms: None,
        })
    };
    store.record(asked("own", "agent", "agent"));
    store.record(asked("other", "agent", "customer"));
    let anna = MemberRecord { id: "anna".into(), name: "Anna".into(), user_id: "anna@example.com".into() };
    store.assign_speakers("1", vec![("1-0".to_owned(), anna.clone())]).unwrap();
    assert_eq!(store.messages("1", false).unwrap()[0].member_id.as_deref(), Some("anna"));
    assert_eq!(store.conversation("1").unwrap().unwrap().members, [anna]);
    let meant: Vec<_> =
        store.insights("1").unwrap().into_iter().map(|it| (it.id, it.from_id, it.assignee_id)).collect();
    let anna = || Some("anna".to_owned());
    assert_eq!(
        meant,
        [("own".to_owned(), anna(), anna()), ("other".to_owned(), anna(), Some("customer".to_owned()))]
    );
    let metadata = serde_json::from_str(r#"{"queue": "billing\u0000"}"#).unwrap();
    assert!(store.set_metadata("1", &metadata).unwrap());
    assert!(!store.set_metadata("2", &metadata).unwrap());
    assert_eq!(store.conversation("1").unwrap().unwrap().metadata, metadata);
}

/// Whatever comes over the wire gets an answer and spoils nothing else: texts that a database has no place for, numbers
/// that are none, names longer than an index.
pub(super) fn strange_records_are_kept_or_counted_and_hold_nothing_up(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    let long = "x".repeat(100_000);
    store.record(member("1", "nul", "An\0na"));
    store.record(member("1", "long", &long));
    let strange =
        MessageRecord { polarity: f64::NAN, text: "Nothing\0 at all".to_owned(), ..message("1", 0) };
    store.record(Record::Message(strange));
    // Not compressible, so that no database can make it short.
    let value: String = (0..20_000_u64).map(|n| char::from(b'a' + (n * n % 257 % 26) as u8)).collect();
    store.record(Record::TrackerMatch(TrackerMatchRecord {
        conversation_id: "1".to_owned(),
        tracker_id: value.clone(),
        tracker_name: long.clone(),
        value,
        message_id: "1-0".to_owned(),
        text: String::new(),
        offset: i64::MIN,
        insights: Vec::new(),
    }));
    store.record(Record::Message(message("nowhere", 0)));
    store.flush();
    assert_eq!((store.counts().written, store.counts().lost, store.counts().waiting), (5, 1, 0));
    assert_eq!(store.tracker_matches("1").unwrap().len(), 1);
    assert_eq!(store.messages("1", false).unwrap()[0].polarity, 0.0);
    store.create_trackers(vec![tracker("t", &long)]).unwrap();
    for id in ["1\0", "", &long] {
        assert_eq!(store.conversation(id).unwrap(), None);
        assert!(!store.delete_tracker(id).unwrap());
        assert_eq!(store.take_over(id, 0, 0).unwrap(), None);
    }
}

pub(super) fn a_name_given_over_rest_outlives_what_clients_say(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    store.record(member("1", "agent", "Agent"));
    let renamed =
        MemberRecord { id: "agent".into(), name: "Anna".into(), user_id: "anna@example.com".into() };
    assert!(store.rename_member("1", &renamed).unwrap());
    store.record(member("1", "agent", "Agent"));
    store.flush();
    assert_eq!(store.conversation("1").unwrap().unwrap().members, std::slice::from_ref(&renamed));
    assert!(!store.rename_member("2", &renamed).unwrap());
}

pub(super) fn trackers_are_unique_by_name_bounded_and_survive_a_restart(place: &dyn Place) {
    let store = place.open();
    store.create_trackers(vec![tracker("1", "Refund"), tracker("2", "refund")]).unwrap();
    let taken = store.create_trackers(vec![tracker("3", "Churn"), tracker("4", "Refund")]);
    assert!(matches!(taken, Err(StoreError::NameTaken { name }) if name == "Refund"));
    assert_eq!(store.trackers().len(), 2);
    let taken = store.update_tracker(&tracker("1", "refund"));
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    let strict = TrackerRecord { strict: Some(true), threshold: Some(0.5), ..tracker("1", "Refund") };
    assert!(store.update_tracker(&strict).unwrap());
    assert!(!store.update_tracker(&tracker("9", "x")).unwrap());
    assert!(store.delete_tracker("2").unwrap());
    let many = (0..MOST_TRACKERS).map(|n| tracker(&format!("n{n}"), &n.to_string())).collect();
    assert!(matches!(store.create_trackers(many), Err(StoreError::TooManyTrackers { .. })));
    drop(store);
    assert_eq!(*place.open().trackers(), [strict]);
}

pub(super) fn jobs_change_their_status_and_go_with_their_conversation(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    let job = |status: &str| JobRecord { id: "j".into(), conversation_id: "1".into(), status: status.into() };
    store.put_job(&job("scheduled")).unwrap();
    store.put_job(&job("completed")).unwrap();
    assert_eq!(store.job("j").unwrap(), Some(job("completed")));
    store.delete_conversation("1").unwrap();
    assert_eq!(store.job("j").unwrap(), None);
}

pub(super) fn ten_thousand_messages_are_read_in_a_moment(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("1", 0));
    for sequence in 0..10_000 {
        store.record(Record::Message(message("1", sequence)));
    }
    store.flush();
    let timed = |what: &str, read: &dyn Fn() -> usize| {
        let began = Instant::now();
        assert_eq!(read(), 10_000);
        println!("10000 messages, {what}: {:?}", began.elapsed());
    };
    timed("plain", &|| store.messages("1", false).unwrap().len());
    timed("with words", &|| store.messages("1", true).unwrap().len());
    timed("talks", &|| store.talks("1").unwrap().len());
}

pub(super) fn a_summary_is_replaced_by_a_newer_one_and_goes_with_its_conversation(place: &dyn Place) {
    let store = place.open();
    store.record(conversation("a", 0));
    for text in ["An older one.", "A newer one."] {
        store.record(Record::Summary {
            conversation_id: "a".to_owned(),
            text: text.to_owned(),
            message_ids: vec!["a-0".to_owned()],
        });
    }
    store.flush();
    let expected = SummaryRecord { text: "A newer one.".to_owned(), message_ids: vec!["a-0".to_owned()] };
    assert_eq!(store.summary("a").unwrap(), Some(expected));
    assert_eq!(store.summary("b").unwrap(), None);
    store.delete_conversation("a").unwrap();
    assert_eq!(store.summary("a").unwrap(), None);
}

pub(super) fn conversations_are_found_by_what_occurs_anywhere_in_them(place: &dyn Place) {
    let store = place.open();
    for (at, id) in ["refund", "router", "empty"].iter().enumerate() {
        store.record(conversation(id, at as i64));
    }
    store.record(member("refund", "agent", "Anna Schmidt"));
    store.record(member("router", "agent", "Ben"));
    let said =
        |id: &str, text: &str| Record::Message(MessageRecord { text: text.to_owned(), ..message(id, 1) });
    store.record(said("refund", "I want my money back, 100 % of it."));
    store.record(said("router", "The router_one was 100 euros."));
    store.flush();
    let found = |words: &[&str]| {
        let query = ConversationQuery {
            from_ms: 0,
            until_ms: 10,
            newest_first: true,
            search: words.iter().map(|word| (*word).to_owned()).collect(),
            limit: 10,
            offset: 0,
        };
        let found = store.conversations(&query).unwrap();
        found.into_iter().map(|conversation| conversation.record.id).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]), ["empty", "router", "refund"]);
    assert_eq!(found(&["MONEY"]), ["refund"]);
    assert_eq!(found(&["money", "schmidt"]), ["refund"], "said, and a name");
    assert_eq!(found(&["money", "ben"]), [""; 0]);
    assert_eq!(found(&["100"]), ["router", "refund"]);
    assert_eq!(found(&["support"]), ["empty", "router", "refund"], "the conversation's name");
    assert_eq!(found(&["user of agent"]), ["router", "refund"], "the number or address of a member");
    // What SQL takes for patterns or for its own is text here.
    assert_eq!(found(&["0 %"]), ["refund"]);
    assert_eq!(found(&["r_o"]), ["router"]);
    for nowhere in ["0%", "e_r", "\\", "'", "?1", "x' OR '1'='1"] {
        assert_eq!(found(&[nowhere]), [""; 0], "{nowhere}");
    }
}
