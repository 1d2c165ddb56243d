//! Opening the file: who may have it, who may read it, how it is written.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::engine::store::StoreError;

/// Only our own readers and the checkpoint can be in each other's way, and never for long.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// Holds the file for this process. The system lets go of it with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "its lock is held until it is dropped")] File);

impl Lock {
    /// Makes the directory and takes the file for this process.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or_else(|| Path::new("."));
        let failed = |source| StoreError::Directory { path: directory.to_owned(), source };
        make_directory(directory).map_err(failed)?;
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let file = private_file(&PathBuf::from(lock)).map_err(failed)?;
        // SQLite takes the permissions of the file for its companions, so the file has to be there before it.
        private_file(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Held { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Opens the connection that writes, and brings the tables up to date.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error| StoreError::opening(path, error);
    let mut connection = Connection::open(path).map_err(failed)?;
    // Before the first table, or never: space of deleted conversations goes back to the disk.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(failed)?;
    // FULL: a commit is on the disk, not only in the system's memory. There are at most five commits a second.
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    prepare(&connection).map_err(failed)?;
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// Opens a database that ends with its connection.
pub(super) fn open_in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    schema::migrate(&mut connection, Path::new(":memory:"))?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| StoreError::opening(path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_PATIENCE).map_err(failed)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What was deleted is overwritten, not only forgotten.
    connection.pragma_update(None, "secure_delete", true)
}

fn make_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Opens or makes a file that only its owner reads: it holds what callers said.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
