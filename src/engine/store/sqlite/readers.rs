//! Connections that read. In write-ahead mode they see the last commit and never wait for the writer.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use rusqlite::Connection;

use super::file;
use crate::engine::store::{StoreError, lock};

/// Reads at once; more wait for one of these. A read takes milliseconds and the disk is one.
const CONNECTIONS: usize = 4;

/// A few connections, each used by one read at a time.
pub(super) struct Readers {
    connections: Vec<Arc<Mutex<Connection>>>,
    next: AtomicUsize,
}

impl Readers {
    /// Opens connections to a file.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || file::open_to_read(path).map(|connection| Arc::new(Mutex::new(connection)));
        let connections = std::iter::repeat_with(open).take(CONNECTIONS).collect::<Result<_, _>>()?;
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    /// Reads on the connection that also writes: a database in memory has only one.
    pub(super) fn sharing(connection: Arc<Mutex<Connection>>) -> Self {
        Self { connections: vec![connection], next: AtomicUsize::new(0) }
    }

    /// Runs a query on a connection that is free, or on the next in turn as soon as it is.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.connections.len();
        for place in 0..count {
            match self.connections[(turn + place) % count].try_lock() {
                Ok(connection) => return Ok(query(&connection)?),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(query(&poisoned.into_inner())?),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let connection = lock(&self.connections[turn % count]);
        Ok(query(&connection)?)
    }
}
