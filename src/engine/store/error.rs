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
    /// The PostgreSQL server cannot be reached, or does not let us in.
    #[error(
        "cannot connect to PostgreSQL: {0}; check DATABASE_URL (store.url) and that the server takes connections"
    )]
    Unreachable(String),
    /// A later version of this program made the tables.
    #[error(
        "the database has schema {found} and this version knows {known}; run the newer version or choose another database"
    )]
    NewerTables {
        /// The database's schema.
        found: i32,
        /// The newest schema known here.
        known: i32,
    },
    /// Anything else that PostgreSQL says.
    #[error("PostgreSQL failed: {0}")]
    Postgres(PostgresFault),
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

/// What PostgreSQL says, without its details: they quote what was to be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct PostgresFault {
    text: String,
    /// SQLSTATE; empty when it was not the server that failed.
    code: String,
}

/// A code of no server's: what went wrong before one could say anything.
const FIRST_CONTACT: &str = "SB001";

impl PostgresFault {
    /// Returns what can be told of an error.
    pub(super) fn of(error: &postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            let code = said.code().code().to_owned();
            return Self { text: format!("{} ({code})", said.message()), code };
        }
        // The crate's words for what it did, then the system's for why.
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let text = format!("{error}{cause}");
        // A certificate that is not trusted, or a password that is missing, stays so.
        let stays = ["error performing TLS", "invalid configuration", "authentication error"];
        let code = if stays.iter().any(|words| text.starts_with(words)) { FIRST_CONTACT } else { "" };
        Self { text, code: code.to_owned() }
    }

    /// Returns that somebody else has written what we cannot read.
    pub(super) fn unreadable() -> Self {
        // A class of no server's; the connection has nothing to do with it.
        Self { text: "a column does not hold what this program writes".to_owned(), code: "SB000".to_owned() }
    }

    /// Returns whether the connection is of no use any longer: it broke, or the server is going down.
    pub(super) fn is_of_the_connection(&self) -> bool {
        ["", "08", "57"].contains(&self.class()) && self.code != "57014"
    }

    /// Returns whether the same record would fail again, whatever becomes of the server.
    pub(super) fn is_about_the_record(&self) -> bool {
        ["21", "22", "23", "54"].contains(&self.class())
    }

    /// Returns whether something exists already that has to be unique.
    pub(super) fn is_taken(&self) -> bool {
        self.code == "23505"
    }

    /// Returns whether the server will be there in a moment.
    pub(super) fn may_pass(&self) -> bool {
        self.is_of_the_connection() || self.class() == "53"
    }

    fn class(&self) -> &str {
        self.code.get(..2).unwrap_or_default()
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(PostgresFault::of(&error))
    }
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
