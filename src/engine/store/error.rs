//! What can go wrong with the store, each with its remedy.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store did not open, read or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory of the file cannot be made or entered.
    #[error("cannot use the data directory {}: {source}; choose another or let this user write there", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Another process has the file.
    #[error("another process holds {}; end it or choose another data directory", path.display())]
    Held {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else, or broken.
    #[error("{} is not a sound database; move it away, restore a copy, or choose another data directory", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote the file.
    #[error(
        "{} has schema {found} and this version knows {known}; run the newer version or choose another data directory",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's schema.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// The disk is full.
    #[error("no space left on the disk of the data directory; free some or shorten the retention")]
    DiskFull,
    /// The file may not be written.
    #[error("the database may not be written; let this user write the data directory")]
    ReadOnly,
    /// Anything else that SQLite says.
    #[error("the database failed: {0}")]
    Database(#[source] rusqlite::Error),
    /// The writer did not get to it in time.
    #[error("the store does not answer; look for a slow or failing disk")]
    Stalled,
    /// A tracker of that name exists.
    #[error("a tracker with the name {name:?} already exists")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There would be more trackers than allowed.
    #[error("at most {most} trackers can be stored")]
    TooManyTrackers {
        /// The bound.
        most: usize,
    },
}

impl StoreError {
    /// Returns what an error of SQLite means for whoever opens `path`.
    pub(super) fn opening(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Held { path },
            _ => error.into(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            _ => Self::Database(error),
        }
    }
}
