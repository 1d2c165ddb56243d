//! The one thread that writes, and the queue in front of it.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use log::{error, warn};

use super::record::Record;
use super::view::StoreCounts;
use super::{StoreError, lock};

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

/// What the thread writes to. Only that thread touches it.
pub(super) trait Database: Send + 'static {
    /// Writes all records or none; returns how many can never be written, whatever is tried.
    fn write(&mut self, records: &[Record]) -> Result<usize, StoreError>;
}

type Work<D> = Box<dyn FnOnce(&mut D) + Send>;

enum Job<D> {
    Record(Record),
    /// Somebody waits for it.
    Work(Work<D>),
}

struct Queue<D> {
    jobs: VecDeque<Job<D>>,
    records: usize,
    works: usize,
    /// When the oldest record that waits has to be written.
    due: Option<Instant>,
    is_closed: bool,
}

struct Shared<D> {
    queue: Mutex<Queue<D>>,
    wake: Condvar,
    written: AtomicU64,
    lost: AtomicU64,
    failures: AtomicU64,
    complained: Mutex<Option<Instant>>,
}

/// The writing end of the store. Dropped, it writes what waits and ends.
pub(super) struct Writer<D: Database> {
    shared: Arc<Shared<D>>,
    thread: Option<JoinHandle<()>>,
}

impl<D: Database> Writer<D> {
    /// Starts the thread.
    pub(super) fn start(database: D) -> Result<Self, StoreError> {
        let shared = Arc::<Shared<D>>::default();
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || own.run(database));
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

    /// Runs work after everything recorded before, and waits for its result.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut D) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered): (SyncSender<Result<T, StoreError>>, _) = sync_channel(1);
        // An asker that has given up does not read the answer.
        self.put(move |database| drop(answer.send(work(database))));
        answered.recv_timeout(PATIENCE).unwrap_or(Err(StoreError::Stalled))
    }

    /// Runs work when the thread gets to it; nobody waits.
    pub(super) fn put(&self, work: impl FnOnce(&mut D) + Send + 'static) {
        let mut queue = self.shared.lock();
        queue.jobs.push_back(Job::Work(Box::new(work)));
        queue.works += 1;
        drop(queue);
        self.shared.wake.notify_one();
    }
}

impl<D: Database> Drop for Writer<D> {
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

impl<D> Default for Queue<D> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), records: 0, works: 0, due: None, is_closed: false }
    }
}

impl<D> Default for Shared<D> {
    fn default() -> Self {
        Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            complained: Mutex::default(),
        }
    }
}

impl<D: Database> Shared<D> {
    fn lock(&self) -> MutexGuard<'_, Queue<D>> {
        lock(&self.queue)
    }

    fn run(&self, mut database: D) {
        while let Some((jobs, is_last)) = self.next() {
            let mut records = Vec::new();
            for job in jobs {
                match job {
                    Job::Record(record) => records.push(record),
                    Job::Work(work) => {
                        self.write(&mut database, &mut records);
                        work(&mut database);
                    }
                }
            }
            self.write(&mut database, &mut records);
            if is_last {
                self.lose(records.len(), "the store ended before it could write");
                return;
            }
            self.take_back(records);
        }
    }

    /// Waits for what is to be done next, and whether it is the last; none when there is nothing left.
    fn next(&self) -> Option<(VecDeque<Job<D>>, bool)> {
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
    fn write(&self, database: &mut D, records: &mut Vec<Record>) {
        if records.is_empty() {
            return;
        }
        match database.write(records) {
            Ok(refused) => {
                self.written.fetch_add((records.len() - refused) as u64, Ordering::Relaxed);
                self.lose(refused, "their conversation is not in the store");
                records.clear();
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let waiting = records.len();
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
