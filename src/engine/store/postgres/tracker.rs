//! Stored trackers, and jobs.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use postgres::{GenericClient, Row};

use super::read::parsed;
use super::session::Access;
use super::write::{json, storable};
use crate::engine::store::view::{JobRecord, TrackerRecord};
use crate::engine::store::{MOST_TRACKERS, StoreError, lock};

/// The channel on which engines tell each other that trackers have changed.
pub(super) const LISTEN: &str = "LISTEN symbl_bridge_trackers";

/// Heard by whoever listens when the transaction is committed.
const TELL: &str = "NOTIFY symbl_bridge_trackers";

/// All stored trackers, in memory.
#[derive(Default)]
pub(super) struct Trackers {
    list: RwLock<Arc<Vec<TrackerRecord>>>,
    /// Held while they are read, so that the newest list is the one that stays.
    reading: Mutex<()>,
}

impl Trackers {
    /// Returns them, oldest first.
    pub(super) fn list(&self) -> Arc<Vec<TrackerRecord>> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads them anew.
    pub(super) fn refresh(
        &self,
        read: impl FnOnce() -> Result<Vec<TrackerRecord>, StoreError>,
    ) -> Result<(), StoreError> {
        let _one_at_a_time = lock(&self.reading);
        let fresh = Arc::new(read()?);
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

/// Returns all trackers, oldest first.
pub(super) fn all<C: GenericClient>(access: &mut Access<'_, C>) -> Result<Vec<TrackerRecord>, StoreError> {
    let sql = "SELECT id, name, description, categories, languages, vocabulary, exclude_vocabulary, threshold, strict,
                   created_ms, updated_ms
               FROM trackers ORDER BY created_ms, place";
    access.query(sql, &[])?.iter().map(tracker_of).collect()
}

fn tracker_of(row: &Row) -> Result<TrackerRecord, StoreError> {
    let list = |column: usize| parsed(row.get(column));
    Ok(TrackerRecord {
        id: row.get(0),
        name: row.get(1),
        description: row.get(2),
        categories: list(3)?,
        languages: list(4)?,
        vocabulary: list(5)?,
        exclude_vocabulary: list(6)?,
        threshold: row.get(7),
        strict: row.get(8),
        created_ms: row.get(9),
        updated_ms: row.get(10),
    })
}

/// Adds trackers.
pub(super) fn create<C: GenericClient>(
    access: &mut Access<'_, C>,
    trackers: &[TrackerRecord],
) -> Result<(), StoreError> {
    // Two engines that add at the same time would both see room for one more.
    access.batch("LOCK TABLE trackers IN SHARE ROW EXCLUSIVE MODE")?;
    let stored: i64 = access.query_opt("SELECT count(*) FROM trackers", &[])?.map_or(0, |row| row.get(0));
    if stored as usize + trackers.len() > MOST_TRACKERS {
        return Err(StoreError::TooManyTrackers { most: MOST_TRACKERS });
    }
    let sql =
        "INSERT INTO trackers (id, name, description, categories, languages, vocabulary, exclude_vocabulary,
                   threshold, strict, created_ms, updated_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    for tracker in trackers {
        put(access, sql, tracker)?;
    }
    Ok(access.batch(TELL)?)
}

/// Replaces a tracker.
pub(super) fn update<C: GenericClient>(
    access: &mut Access<'_, C>,
    tracker: &TrackerRecord,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE trackers SET name = $2, description = $3, categories = $4, languages = $5, vocabulary = $6,
                   exclude_vocabulary = $7, threshold = $8, strict = $9, created_ms = $10, updated_ms = $11
               WHERE id = $1";
    let is_there = put(access, sql, tracker)? > 0;
    access.batch(TELL)?;
    Ok(is_there)
}

fn put<C: GenericClient>(
    access: &mut Access<'_, C>,
    sql: &'static str,
    tracker: &TrackerRecord,
) -> Result<u64, StoreError> {
    let put = access.execute(
        sql,
        &[
            &storable(&tracker.id),
            &storable(&tracker.name),
            &storable(&tracker.description),
            &json(&tracker.categories),
            &json(&tracker.languages),
            &json(&tracker.vocabulary),
            &json(&tracker.exclude_vocabulary),
            &tracker.threshold,
            &tracker.strict,
            &tracker.created_ms,
            &tracker.updated_ms,
        ],
    );
    put.map_err(|error| match StoreError::from(error) {
        StoreError::Postgres(fault) if fault.is_taken() => {
            StoreError::NameTaken { name: tracker.name.clone() }
        }
        other => other,
    })
}

/// Deletes a tracker.
pub(super) fn delete<C: GenericClient>(access: &mut Access<'_, C>, id: &str) -> Result<bool, StoreError> {
    let is_there = access.execute("DELETE FROM trackers WHERE id = $1", &[&storable(id)])? > 0;
    access.batch(TELL)?;
    Ok(is_there)
}

/// Adds a job or changes its status; `node` works on it.
pub(super) fn put_job<C: GenericClient>(
    access: &mut Access<'_, C>,
    node: &str,
    job: &JobRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO jobs (id, conversation_id, status, owner) VALUES ($1, $2, $3, $4)
               ON CONFLICT (id) DO UPDATE SET status = excluded.status, owner = excluded.owner";
    let (id, conversation_id) = (storable(&job.id), storable(&job.conversation_id));
    access.execute(sql, &[&id, &conversation_id, &storable(&job.status), &node])?;
    Ok(())
}

/// Returns a job. One that is not completed when its engine dies has failed.
pub(super) fn job<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Option<JobRecord>, StoreError> {
    let sql = "SELECT id, conversation_id, CASE WHEN status = 'completed' OR EXISTS (SELECT 1 FROM nodes
                    WHERE nodes.id = owner AND seen > clock_timestamp() - interval '30 seconds')
                   THEN status ELSE 'failed' END
               FROM jobs WHERE id = $1";
    let job = |row: Row| JobRecord { id: row.get(0), conversation_id: row.get(1), status: row.get(2) };
    Ok(access.query_opt(sql, &[&storable(id)])?.map(job))
}
