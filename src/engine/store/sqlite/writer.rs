//! The one thread that writes, and the queue in front of it.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use log::{error, warn};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::{lock, write};
use crate::engine::store::StoreError;
use crate::engine::store::record::Record;
use crate::engine::store::view::StoreCounts;

/// Records that may wait: minutes of a thousand busy calls, some ten megabytes. Beyond it new ones are lost and counted.
const MOST_WAITING: usize = 16_384;

/// How long the first record of a batch waits for company. One commit is one wait for the disk, whatever it holds.
const GATHERING: Duration = Duration::from_millis(200);

/// How long after a failed write the next one is tried.
const RETRY: Duration = Duration::from_secs(1);

/// How long a user of the REST API waits for the writer.
const PATIENCE: Duration = Duration::from_secs(20);

/// At most one line in this time about the same trouble.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(30);

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    Record(Record),
    /// Somebody waits for it.
    Work(Work),
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    records: usize,
    works: usize,
    /// When the oldest record that waits has to be written.
    due: Option<Instant>,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    written: AtomicU64,
    lost: AtomicU64,
    failures: AtomicU64,
    complained: Mutex<Option<Instant>>,
}

/// The writing end of the store. Dropped, it writes what waits and ends.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Arc<Mutex<Connection>>) -> Result<Self, StoreError> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || own.run(&connection));
        match thread {
            Ok(thread) => Ok(Self { shared, thread: Some(thread) }),
            Err(error) => {
                error!(error:% = error; "no thread for the store");
                Err(StoreError::Stalled)
            }
        }
    }

    /// Puts a record in the queue, or counts it as lost.
    pub(super) fn record(&self, record: Record) {
        let mut queue = self.shared.lock();
        if queue.records >= MOST_WAITING {
            drop(queue);
            return self.shared.lose(1, "the store does not keep up");
        }
        queue.jobs.push_back(Job::Record(record));
        queue.records += 1;
        if queue.due.is_none() {
            queue.due = Some(Instant::now() + GATHERING);
            drop(queue);
            self.shared.wake.notify_one();
        }
    }

    /// Waits until what was recorded before has been written or has failed.
    pub(super) fn flush(&self) {
        // With an empty queue a change has nothing to begin; a failure was counted where it happened.
        let _ = self.ask(|_| Ok(()));
    }

    /// Runs a change in a transaction of its own, after everything recorded before, and waits for its commit.
    pub(super) fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Runs housekeeping when the thread gets to it; nobody waits, and failing it does no harm.
    pub(super) fn tidy(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<()> + Send + 'static) {
        self.put(Box::new(move |connection| {
            if let Err(error) = work(connection) {
                warn!(error:% = error; "the store could not tidy up");
            }
        }));
    }

    /// Returns what became of the records so far.
    pub(super) fn counts(&self) -> StoreCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreCounts {
            waiting: self.shared.lock().records as u64,
            written: count(&self.shared.written),
            lost: count(&self.shared.lost),
            failures: count(&self.shared.failures),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered): (SyncSender<Result<T, StoreError>>, _) = sync_channel(1);
        // An asker that has given up does not read the answer.
        self.put(Box::new(move |connection| drop(answer.send(work(connection)))));
        answered.recv_timeout(PATIENCE).unwrap_or(Err(StoreError::Stalled))
    }

    fn put(&self, work: Work) {
        let mut queue = self.shared.lock();
        queue.jobs.push_back(Job::Work(work));
        queue.works += 1;
        drop(queue);
        self.shared.wake.notify_one();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread of the store had panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    fn run(&self, connection: &Mutex<Connection>) {
        while let Some((jobs, is_last)) = self.next() {
            let mut records = Vec::new();
            for job in jobs {
                match job {
                    Job::Record(record) => records.push(record),
                    Job::Work(work) => {
                        self.write(&mut lock(connection), &mut records);
                        work(&mut lock(connection));
                    }
                }
            }
            self.write(&mut lock(connection), &mut records);
            if is_last {
                self.lose(records.len(), "the store ended before it could write");
                return;
            }
            self.take_back(records);
        }
    }

    /// Waits for what is to be done next, and whether it is the last; none when there is nothing left.
    fn next(&self) -> Option<(VecDeque<Job>, bool)> {
        let mut queue = self.lock();
        loop {
            let wait = match queue.due {
                _ if queue.works > 0 => Some(Duration::ZERO),
                Some(_) if queue.is_closed => Some(Duration::ZERO),
                Some(due) => Some(due.saturating_duration_since(Instant::now())),
                None if queue.is_closed => return None,
                None => None,
            };
            queue = match wait {
                Some(Duration::ZERO) => {
                    let is_last = queue.is_closed;
                    let jobs = mem::take(&mut *queue).jobs;
                    queue.is_closed = is_last;
                    return Some((jobs, is_last));
                }
                Some(wait) => self.wake.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Writes the records in one transaction and empties the list, or leaves it as it is for another time.
    fn write(&self, connection: &mut Connection, records: &mut Vec<Record>) {
        if records.is_empty() {
            return;
        }
        match write_all(connection, records) {
            Ok(refused) => {
                self.written.fetch_add((records.len() - refused) as u64, Ordering::Relaxed);
                self.lose(refused, "their conversation is not in the store");
                records.clear();
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let waiting = records.len();
                let error = StoreError::from(error);
                self.complain(|| warn!(waiting, error:% = error; "the store cannot write; it tries again"));
            }
        }
    }

    /// Puts records that could not be written in front of those that came since.
    fn take_back(&self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let mut queue = self.lock();
        queue.records += records.len();
        queue.due = Some(Instant::now() + RETRY);
        for record in records.into_iter().rev() {
            queue.jobs.push_front(Job::Record(record));
        }
    }

    fn lose(&self, records: usize, why: &str) {
        if records > 0 {
            let so_far = self.lost.fetch_add(records as u64, Ordering::Relaxed) + records as u64;
            self.complain(|| warn!(records, so_far, why; "records were not kept"));
        }
    }

    fn complain(&self, line: impl FnOnce()) {
        let mut complained = lock(&self.complained);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAINT_PAUSE) {
            *complained = Some(Instant::now());
            drop(complained);
            line();
        }
    }
}

/// Writes all records or none; returns how many can never be written, whatever is tried.
fn write_all(connection: &mut Connection, records: &[Record]) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut refused = 0;
    for record in records {
        match write::record(&transaction, record) {
            Ok(()) => {}
            Err(error) if is_about_the_record(&error) => refused += 1,
            Err(error) => return Err(error),
        }
    }
    transaction.commit()?;
    Ok(refused)
}

fn is_about_the_record(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => {
            matches!(code, ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
        }
        None => true,
    }
}
