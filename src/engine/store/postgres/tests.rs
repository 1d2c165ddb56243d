//! The list of every store's tests, and what only a store that engines share has to do.

#[path = "../../../../tests/support/postgres.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::print_stderr,
    reason = "integration tests use more of it"
)]
mod server;

use std::cell::Cell;

use secrecy::ExposeSecret as _;

use super::*;
use crate::engine::store::record::ConversationRecord;
use crate::engine::store::tests::{HOUR_MS, LIST, Place, conversation, ended, message, tracker};
use server::{PASSWORD, PostgresServer};

/// The longest wait for something that happens on another engine.
const PATIENCE: Duration = Duration::from_secs(20);

fn address(url: &str) -> Address {
    Address::new(url.parse().unwrap(), None)
}

fn open(url: &str) -> PostgresStore {
    PostgresStore::open(address(url)).unwrap()
}

/// Waits until a thing is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

struct Database(String);

impl Place for Database {
    fn open(&self) -> Box<dyn Store> {
        Box::new(open(&self.0))
    }
}

/// One server for all: each test has a database of its own.
#[test]
fn it_does_what_every_store_does() {
    let Some(server) = PostgresServer::start() else { return };
    for (number, (name, test)) in LIST.iter().enumerate() {
        println!("{name}");
        test(&Database(server.database(&format!("test{number}"))));
    }
}

#[test]
fn engines_that_share_a_database_know_of_each_other() {
    let Some(server) = PostgresServer::start() else { return };
    let url = server.database("shared");
    // Both make the tables at the same time.
    let other_url = url.clone();
    let opening = thread::spawn(move || open(&other_url));
    let (one, other) = (open(&url), opening.join().unwrap());
    let secret = |store: &PostgresStore| store.shared_secret().unwrap().unwrap().expose_secret().to_owned();
    assert_eq!(secret(&one), secret(&other));
    assert_eq!(secret(&one).len(), 64);

    one.create_trackers(vec![tracker("1", "Refund")]).unwrap();
    until("the other engine hears of the tracker", || other.trackers().len() == 1);
    assert!(matches!(other.create_trackers(vec![tracker("2", "Refund")]), Err(StoreError::NameTaken { .. })));
    other.delete_tracker("1").unwrap();
    until("the first engine hears that it is gone", || one.trackers().is_empty());

    // A living engine keeps its conversation, however silent, until a leg comes to another.
    one.record(conversation("a", 0));
    one.record(Record::Message(message("a", 0)));
    one.put_job(&job("j", "a", "in_progress")).unwrap();
    assert_eq!(other.open_conversations(HOUR_MS, 0).unwrap(), []);
    assert_eq!(end_of(&other, "a"), None);
    assert_eq!(other.job("j").unwrap().unwrap().status, "in_progress", "its engine works on it");
    let taken = other.take_over("connection of a", HOUR_MS, 0).unwrap().unwrap();
    assert_eq!((taken.record.id.as_str(), taken.next_sequence), ("a", 1));
    assert_eq!(other.take_over("connection of a", HOUR_MS, 0).unwrap(), None, "it has it");
    one.record(ended("a", 2500));
    one.flush();
    assert_eq!(end_of(&one, "a"), None, "it is no longer that engine's to end");
    other.record(ended("a", 9000));
    one.record(ended("a", 2500));
    other.flush();
    one.flush();
    assert_eq!(end_of(&one, "a"), Some(9000));

    // An engine that was not seen for a while is dead; what it was working on has failed.
    for (id, timeout_ms) in [("hasty", 1000), ("patient", HOUR_MS)] {
        one.record(Record::Began(ConversationRecord {
            id: id.to_owned(),
            connection_id: id.to_owned(),
            name: String::new(),
            start_ms: 0,
            end_ms: None,
            no_connection_timeout_ms: timeout_ms,
        }));
    }
    one.put_job(&job("k", "patient", "completed")).unwrap();
    let node = one.node.clone();
    drop(one);
    server.sql(
        "shared",
        &format!("INSERT INTO symbl_bridge.nodes VALUES ('{node}', now() - interval '1 minute')"),
    );
    let mut session = Session::new(Arc::new(address(&url)));
    let mut end_abandoned = |silent_ones_are_dead| {
        session.transaction(|access| change::end_abandoned(access, 2000, 500, silent_ones_are_dead)).unwrap()
    };
    assert_eq!(end_abandoned(false), 0, "it may only have been cut off");
    assert_eq!(end_abandoned(true), 1);
    assert_eq!((end_of(&other, "hasty"), end_of(&other, "patient")), (Some(0), None));
    let status = |id: &str| other.job(id).unwrap().unwrap().status;
    assert_eq!((status("j").as_str(), status("k").as_str()), ("failed", "completed"));

    // One keeps house at a time.
    let housekeeping = Cell::new(None);
    session
        .transaction(|access| {
            change::end_abandoned(access, 0, 0, true)?;
            housekeeping.set(Some(other.delete_ended_before(i64::MAX)?));
            Ok(())
        })
        .unwrap();
    assert_eq!(housekeeping.get(), Some(0));
    assert_eq!(other.delete_ended_before(i64::MAX).unwrap(), 2);
}

fn job(id: &str, conversation_id: &str, status: &str) -> JobRecord {
    JobRecord { id: id.to_owned(), conversation_id: conversation_id.to_owned(), status: status.to_owned() }
}

fn end_of(store: &PostgresStore, id: &str) -> Option<i64> {
    store.flush();
    store.conversation(id).unwrap().unwrap().record.end_ms
}

#[test]
fn while_the_database_is_away_nobody_waits_and_what_fits_is_written_afterwards() {
    let Some(mut server) = PostgresServer::start() else { return };
    let url = server.database("calls");
    let store = open(&url);
    let other = open(&url);
    store.record(conversation("1", 0));
    store.flush();
    server.kill();
    let asked = Instant::now();
    let error = store.conversation("1").unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error}");
    let error = store.set_metadata("1", &Map::new()).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(10), "nobody waits for what is not there");
    let mut slowest = Duration::ZERO;
    for sequence in 0..20_000 {
        let before = Instant::now();
        store.record(Record::Message(message("1", sequence)));
        slowest = slowest.max(before.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(store.counts().lost > 0, "{:?}", store.counts());
    server.run();
    // What the writer has in hand while it fails neither waits nor is lost.
    let is_settled = || store.counts().written + store.counts().lost == 20_001;
    until("everything is written that was kept", is_settled);
    let counts = store.counts();
    assert!(counts.failures > 0);
    assert_eq!(store.messages("1", false).unwrap().len() as u64, counts.written - 1);
    // Also who only listens has found back.
    store.create_trackers(vec![tracker("1", "Refund")]).unwrap();
    until("the other engine hears of the tracker", || other.trackers().len() == 1);
    store.create_trackers(vec![tracker("2", "Churn")]).unwrap();
    until("the other engine listens again", || other.trackers().len() == 2);
}

#[test]
fn a_database_that_cannot_be_used_is_named_with_a_remedy_and_without_its_password() {
    let Some(server) = PostgresServer::start() else { return };
    let url = server.database("newer");
    drop(open(&url));
    server.sql("newer", "UPDATE symbl_bridge.schema_version SET version = 99");
    let refused = |url: &str| PostgresStore::open(address(url)).err().unwrap();
    assert!(matches!(refused(&url), StoreError::NewerTables { found: 99, known: 1 }));
    for (wrong, why) in [(url.replace(PASSWORD, "wrong-one"), "28P01"), (server.url("nowhere"), "3D000")] {
        let error = refused(&wrong).to_string();
        assert!(error.contains(why) && error.contains("DATABASE_URL"), "{error}");
        assert!(!error.contains(PASSWORD) && !error.contains("wrong-one"), "{error}");
    }
}

#[test]
fn an_encrypted_connection_is_one_to_the_server_that_is_meant() {
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let Some(mut server) = PostgresServer::start() else { return };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = server.database("calls");
    let certificate = CertificateDer::from_pem_file(server.encrypt()).unwrap();
    let open = |url: &str, trusts_it: bool| {
        let mut roots = RootCertStore::empty();
        if trusts_it {
            roots.add(certificate.clone()).unwrap();
        }
        let mut config: postgres::Config = url.parse().unwrap();
        config.ssl_mode(postgres::config::SslMode::Require);
        PostgresStore::open(Address::new(config, Some(roots)))
    };
    let named = url.replace("127.0.0.1", "localhost");
    let store = open(&named, true).unwrap();
    store.create_trackers(vec![tracker("1", "Refund")]).unwrap();
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE ssl AND application_name = 'symbl-bridge'";
    assert!(server.sql("calls", encrypted).parse::<u32>().unwrap() >= 3, "writer, reader, watch");
    for (url, trusts_it) in [(&named, false), (&url, true)] {
        let error = open(url, trusts_it).err().unwrap().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}
