//! Tables, and how older files become newer ones. `PRAGMA user_version` says how many steps a file has taken.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::engine::store::StoreError;

/// One step a version. Steps that were released are never edited.
const STEPS: &[&str] = &[FIRST, SUMMARIES];

const FIRST: &str = "
CREATE TABLE conversations (
    id TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL,
    name TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER,
    no_connection_timeout_ms INTEGER NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX conversations_by_start ON conversations (start_ms, id);
CREATE INDEX conversations_by_end ON conversations (end_ms);

CREATE TABLE members (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Whether a user of the REST API gave the name: then clients no longer change it.
    renamed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (conversation_id, id)
) STRICT;

CREATE TABLE messages (
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    member_id TEXT,
    text TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    polarity REAL NOT NULL,
    word_count INTEGER NOT NULL,
    entities TEXT NOT NULL
) STRICT;
CREATE INDEX messages_of_conversation ON messages (conversation_id, start_ms, sequence);

-- Apart from the messages: most questions are answered without them, and they are most of the bytes.
CREATE TABLE words (
    message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    words TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE insights (
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    message_id TEXT NOT NULL,
    score REAL NOT NULL,
    from_id TEXT,
    assignee_id TEXT,
    due_ms INTEGER
) STRICT;
CREATE INDEX insights_of_conversation ON insights (conversation_id, message_id);

CREATE TABLE tracker_matches (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tracker_id TEXT NOT NULL,
    tracker_name TEXT NOT NULL,
    value TEXT NOT NULL,
    message_id TEXT NOT NULL,
    text TEXT NOT NULL,
    \"offset\" INTEGER NOT NULL,
    insights TEXT NOT NULL,
    UNIQUE (conversation_id, tracker_id, message_id, value, \"offset\")
) STRICT;

CREATE TABLE topics (
    conversation_id TEXT NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    topics TEXT NOT NULL
) STRICT;

CREATE TABLE trackers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    categories TEXT NOT NULL,
    languages TEXT NOT NULL,
    vocabulary TEXT NOT NULL,
    exclude_vocabulary TEXT NOT NULL,
    threshold REAL,
    strict INTEGER,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    status TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_of_conversation ON jobs (conversation_id);
";

const SUMMARIES: &str = "
CREATE TABLE summaries (
    conversation_id TEXT NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    message_ids TEXT NOT NULL
) STRICT;
";

/// Takes the steps that the file has not taken yet, each whole or not at all.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::opening(path, error);
    let version = |connection: &Connection| -> rusqlite::Result<u32> {
        connection.query_row("PRAGMA user_version", [], |row| row.get(0))
    };
    let found = version(connection).map_err(failed)?;
    let known = STEPS.len() as u32;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for (taken, step) in (1..=known).zip(STEPS).skip(found as usize) {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction.execute_batch(step).map_err(failed)?;
        transaction.pragma_update(None, "user_version", taken).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}
