//! Stored trackers, and jobs.

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, Transaction, params};

use super::read::parsed;
use super::write::json;
use crate::engine::store::view::{JobRecord, TrackerRecord};
use crate::engine::store::{MOST_TRACKERS, StoreError};

/// Returns all trackers, oldest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<TrackerRecord>> {
    let sql = "SELECT id, name, description, categories, languages, vocabulary, exclude_vocabulary, threshold, strict,
                   created_ms, updated_ms
               FROM trackers ORDER BY created_ms, rowid";
    connection.prepare(sql)?.query_map([], tracker_of)?.collect()
}

fn tracker_of(row: &Row) -> rusqlite::Result<TrackerRecord> {
    let list = |column: usize| parsed(column, row.get_ref(column)?.as_str()?);
    Ok(TrackerRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        categories: list(3)?,
        languages: list(4)?,
        vocabulary: list(5)?,
        exclude_vocabulary: list(6)?,
        threshold: row.get(7)?,
        strict: row.get(8)?,
        created_ms: row.get(9)?,
        updated_ms: row.get(10)?,
    })
}

/// Adds trackers.
pub(super) fn create(transaction: &Transaction, trackers: &[TrackerRecord]) -> Result<(), StoreError> {
    let stored: i64 = transaction.query_row("SELECT count(*) FROM trackers", [], |row| row.get(0))?;
    if stored as usize + trackers.len() > MOST_TRACKERS {
        return Err(StoreError::TooManyTrackers { most: MOST_TRACKERS });
    }
    let sql =
        "INSERT INTO trackers (id, name, description, categories, languages, vocabulary, exclude_vocabulary,
                   threshold, strict, created_ms, updated_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    for tracker in trackers {
        put(transaction, sql, tracker)?;
    }
    Ok(())
}

/// Replaces a tracker.
pub(super) fn update(transaction: &Transaction, tracker: &TrackerRecord) -> Result<bool, StoreError> {
    let sql =
        "UPDATE trackers SET name = ?2, description = ?3, categories = ?4, languages = ?5, vocabulary = ?6,
                   exclude_vocabulary = ?7, threshold = ?8, strict = ?9, created_ms = ?10, updated_ms = ?11
               WHERE id = ?1";
    Ok(put(transaction, sql, tracker)? > 0)
}

fn put(transaction: &Transaction, sql: &str, tracker: &TrackerRecord) -> Result<usize, StoreError> {
    let values = params![
        tracker.id,
        tracker.name,
        tracker.description,
        json(&tracker.categories)?,
        json(&tracker.languages)?,
        json(&tracker.vocabulary)?,
        json(&tracker.exclude_vocabulary)?,
        tracker.threshold,
        tracker.strict,
        tracker.created_ms,
        tracker.updated_ms
    ];
    transaction.prepare_cached(sql)?.execute(values).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::NameTaken { name: tracker.name.clone() },
        _ => error.into(),
    })
}

/// Deletes a tracker.
pub(super) fn delete(transaction: &Transaction, id: &str) -> rusqlite::Result<bool> {
    Ok(transaction.execute("DELETE FROM trackers WHERE id = ?1", [id])? > 0)
}

/// Adds a job or changes its status.
pub(super) fn put_job(transaction: &Transaction, job: &JobRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO jobs (id, conversation_id, status) VALUES (?1, ?2, ?3)
               ON CONFLICT (id) DO UPDATE SET status = excluded.status";
    transaction.execute(sql, params![job.id, job.conversation_id, job.status]).map(drop)
}

/// Returns a job.
pub(super) fn job(connection: &Connection, id: &str) -> rusqlite::Result<Option<JobRecord>> {
    let sql = "SELECT id, conversation_id, status FROM jobs WHERE id = ?1";
    let job =
        |row: &Row| Ok(JobRecord { id: row.get(0)?, conversation_id: row.get(1)?, status: row.get(2)? });
    connection.prepare_cached(sql)?.query_row([id], job).optional()
}
