//! Threads that read, a connection each.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::error;
use postgres::Client;

use super::session::{Access, Address, Session};
use crate::engine::store::{StoreError, lock};

/// Reads at once. Eight engines with a writer and a watcher more each stay far below PostgreSQL's hundred connections.
const THREADS: usize = 4;

/// Reads that may wait for a thread; more are refused.
const MOST_WAITING: usize = 256;

/// How long a user of the REST API waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

type Read = Box<dyn FnOnce(&mut Session) + Send>;

/// A few threads; dropped, they finish what waits and end. The connections never leave them: the driver must not be
/// used, nor dropped, where an async runtime runs.
pub(super) struct Readers {
    reads: Option<SyncSender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads; each connects when it has something to read.
    pub(super) fn start(address: &Arc<Address>) -> Result<Self, StoreError> {
        let (reads, queue) = sync_channel(MOST_WAITING);
        let queue = Arc::new(Mutex::new(queue));
        let mut readers = Self { reads: Some(reads), threads: Vec::new() };
        for _ in 0..THREADS {
            let (queue, session) = (Arc::clone(&queue), Session::new(Arc::clone(address)));
            let thread = thread::Builder::new().name("store-read".to_owned()).spawn(|| work(queue, session));
            match thread {
                Ok(thread) => readers.threads.push(thread),
                Err(error) => {
                    error!(error:% = error; "no thread for the store");
                    return Err(StoreError::Stalled);
                }
            }
        }
        Ok(readers)
    }

    /// Runs a query on a thread that is free, and waits for its result.
    pub(super) fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Access<'_, Client>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        // An asker that has given up does not read the answer.
        let read: Read = Box::new(move |session| drop(answer.send(session.read(query))));
        match self.reads.as_ref().map(|reads| reads.try_send(read)) {
            Some(Ok(())) => answered.recv_timeout(PATIENCE).unwrap_or(Err(StoreError::Stalled)),
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                Err(StoreError::Stalled)
            }
        }
    }
}

fn work(queue: Arc<Mutex<Receiver<Read>>>, mut session: Session) {
    loop {
        // One thread waits for the next read, the others for their turn to wait.
        let next = lock(&queue).recv();
        match next {
            Ok(read) => read(&mut session),
            Err(_) => return,
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.reads = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("a thread of the store had panicked");
            }
        }
    }
}
