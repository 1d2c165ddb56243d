//! The store in files and in memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::*;
use crate::engine::store::MOST_TRACKERS;
use crate::engine::store::record::{ConversationRecord, EntityRecord, WordRecord};

const HOUR_MS: i64 = 3_600_000;

fn conversation(id: &str, start_ms: i64) -> Record {
    Record::Began(ConversationRecord {
        id: id.to_owned(),
        connection_id: format!("connection of {id}"),
        name: "Support call".to_owned(),
        start_ms,
        end_ms: None,
        no_connection_timeout_ms: 0,
    })
}

fn member(conversation_id: &str, id: &str, name: &str) -> Record {
    let member = MemberRecord { id: id.to_owned(), name: name.to_owned(), user_id: format!("user of {id}") };
    Record::Member { conversation_id: conversation_id.to_owned(), member }
}

fn message(conversation_id: &str, sequence: u64) -> MessageRecord {
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

fn ended(id: &str, end_ms: i64) -> Record {
    Record::Ended { conversation_id: id.to_owned(), end_ms }
}

fn tracker(id: &str, name: &str) -> TrackerRecord {
    let vocabulary = vec!["money back".to_owned()];
    TrackerRecord { id: id.to_owned(), name: name.to_owned(), vocabulary, ..TrackerRecord::default() }
}

#[test]
fn what_was_recorded_is_read_back_as_it_was_and_recording_it_twice_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("deep/er/calls.db")).unwrap();
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

#[test]
fn everything_is_on_disk_within_a_second_without_being_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
    store.record(conversation("1", 0));
    store.record(Record::Message(message("1", 0)));
    let recorded_at = Instant::now();
    let other = Connection::open(&path).unwrap();
    let count = || other.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)).unwrap();
    while count() == 0 {
        assert!(recorded_at.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn what_belongs_to_no_conversation_is_counted_and_the_rest_is_kept() {
    let store = SqliteStore::in_memory().unwrap();
    store.record(conversation("1", 0));
    store.record(Record::Message(message("2", 0)));
    store.record(Record::Message(message("1", 0)));
    store.flush();
    assert_eq!(store.messages("1", false).unwrap().len(), 1);
    assert_eq!((store.counts().written, store.counts().lost), (2, 1));
}

#[test]
fn what_does_not_fit_in_the_queue_is_counted_and_the_caller_never_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut slowest = Duration::ZERO;
    for n in 0..40_000 {
        let before = Instant::now();
        store.record(conversation(&n.to_string(), n));
        slowest = slowest.max(before.elapsed());
    }
    assert!(store.counts().lost > 0, "{:?}", store.counts());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.flush();
    // What the writer had in hand when it failed comes again.
    for _ in 0..100 {
        if store.counts().waiting == 0 {
            break;
        }
        store.flush();
    }
    let counts = store.counts();
    assert_eq!((counts.waiting, counts.written + counts.lost), (0, 40_000));
}

#[test]
fn conversations_are_taken_up_again_while_their_time_has_not_passed() {
    let store = SqliteStore::in_memory().unwrap();
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
    store.flush();
    let heard_ms = message("patient", 4).end_ms;
    let open = store.open_conversations(heard_ms + 2000, 1500).unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].record.id.as_str(), open[0].next_sequence), ("patient", 5));
    assert_eq!((open[0].last_message_end_ms, open[0].members.len()), (Some(heard_ms), 1));
    for id in ["hasty", "older", "import"] {
        assert_eq!(store.conversation(id).unwrap().unwrap().record.end_ms, Some(heard_ms), "{id}");
    }
    assert_eq!(store.open_conversations(heard_ms + HOUR_MS + 1, 0).unwrap(), []);
}

#[test]
fn retention_and_deletion_leave_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
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
    drop(store);
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"last bill"));
    }
    let connection = Connection::open(&path).unwrap();
    for table in ["members", "messages", "words"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
    }
}

#[test]
fn a_name_given_over_rest_outlives_what_clients_say() {
    let store = SqliteStore::in_memory().unwrap();
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

#[test]
fn trackers_are_unique_by_name_bounded_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
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
    assert_eq!(*SqliteStore::open(&path).unwrap().trackers(), [strict]);
}

#[test]
fn jobs_change_their_status_and_go_with_their_conversation() {
    let store = SqliteStore::in_memory().unwrap();
    store.record(conversation("1", 0));
    let job = |status: &str| JobRecord { id: "j".into(), conversation_id: "1".into(), status: status.into() };
    store.put_job(&job("scheduled")).unwrap();
    store.put_job(&job("completed")).unwrap();
    assert_eq!(store.job("j").unwrap(), Some(job("completed")));
    store.delete_conversation("1").unwrap();
    assert_eq!(store.job("j").unwrap(), None);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Held { .. })));
    drop(store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Newer { found: 99, .. })));
    std::fs::write(&path, "this is no database, whatever its name says, and it is long enough to tell")
        .unwrap();
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    let under_a_file = SqliteStore::open(&path.join("calls.db")).err().unwrap();
    assert!(matches!(under_a_file, StoreError::Directory { .. }), "{under_a_file}");
}

/// The variable that turns the test below into the process that is killed.
const CHILD_FILE: &str = "SYMBL_BRIDGE_STORE_CHILD_FILE";

#[test]
fn a_process_killed_at_any_instant_loses_at_most_its_last_second() {
    if let Ok(path) = std::env::var(CHILD_FILE) {
        return write_until_killed(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let path = directory.path().join(format!("{round}.db"));
        let name = "a_process_killed_at_any_instant_loses_at_most_its_last_second";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--nocapture", name])
            .env(CHILD_FILE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let progress = path.with_extension("progress");
        let said = || std::fs::read_to_string(&progress).unwrap_or_default().lines().count();
        let began = Instant::now();
        while said() < 1500 + 37 * round {
            assert!(began.elapsed() < Duration::from_secs(60), "the child does not write");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Each line is a message and the time it was recorded at; the last line may be torn.
        let lines = std::fs::read_to_string(&progress).unwrap();
        let times: Vec<u128> = lines.lines().map_while(|line| line.parse().ok()).collect();
        let last = times[times.len() - 2];
        let older = times.iter().filter(|&&time| time + 1000 < last).count();
        let store = SqliteStore::open(&path).unwrap();
        let kept = store.messages("1", true).unwrap();
        assert!(kept.len() >= older && older > 0, "{} of {older}", kept.len());
        for (sequence, message) in kept.iter().enumerate() {
            assert_eq!(*message, self::message("1", sequence as u64));
        }
    }
}

fn write_until_killed(path: &Path) {
    use std::io::Write as _;
    let store = SqliteStore::open(path).unwrap();
    let mut progress = std::fs::File::create(path.with_extension("progress")).unwrap();
    let began = Instant::now();
    store.record(conversation("1", 0));
    for sequence in 0..1_000_000 {
        store.record(Record::Message(message("1", sequence)));
        writeln!(progress, "{}", began.elapsed().as_millis()).unwrap();
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn ten_thousand_messages_are_read_in_a_moment() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("calls.db")).unwrap();
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

#[test]
fn a_summary_is_replaced_by_a_newer_one_and_goes_with_its_conversation() {
    let store = SqliteStore::in_memory().unwrap();
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

#[test]
fn conversations_are_found_by_what_occurs_anywhere_in_them() {
    let store = SqliteStore::in_memory().unwrap();
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
