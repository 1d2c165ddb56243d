//! What only a store in a file has to do.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::engine::store::tests::{Place, conversation, ended, message};

/// A file of its own.
pub(in crate::engine::store) struct File(TempDir);

impl File {
    /// Returns a place where no file is yet, nor its directory.
    pub(in crate::engine::store) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Place for File {
    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.0.path().join("deep/er/calls.db")).unwrap())
    }
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
        for (sequence, found) in kept.iter().enumerate() {
            assert_eq!(*found, message("1", sequence as u64));
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
