//! Tables, and how older databases become newer ones. `schema_version` says how many steps one has taken.

use postgres::Transaction;

use super::session::{Access, Session};
use crate::engine::store::StoreError;

/// One step a version. Steps that were released are never edited.
const STEPS: &[&str] = &[FIRST];

/// Held while steps are taken: engines that start at the same time take them one after the other. "symbl-br" in ASCII.
const TURN: &str = "SELECT pg_advisory_xact_lock(8320796773016527474)";

const FIRST: &str = r#"
-- The engines that share this database; one that was not seen for a while is dead.
CREATE TABLE nodes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seen TIMESTAMPTZ NOT NULL
);

-- What all engines share and nobody else knows.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE conversations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL,
    name TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT,
    no_connection_timeout_ms BIGINT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}',
    -- The engine that has it, while it goes on.
    owner TEXT COLLATE "C" NOT NULL
);
CREATE INDEX conversations_by_start ON conversations (start_ms, id);
CREATE INDEX conversations_by_end ON conversations (end_ms);
CREATE INDEX conversations_that_go_on ON conversations USING hash (connection_id) WHERE end_ms IS NULL;

CREATE TABLE members (
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Whether a user of the REST API gave the name: then clients no longer change it.
    renamed BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (conversation_id, id)
);

CREATE TABLE messages (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    member_id TEXT COLLATE "C",
    text TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    polarity DOUBLE PRECISION NOT NULL,
    word_count BIGINT NOT NULL,
    entities TEXT NOT NULL,
    -- Most of the bytes; the server does not touch them unless they are asked for.
    words TEXT
);
CREATE INDEX messages_of_conversation ON messages (conversation_id, start_ms, sequence);

CREATE TABLE insights (
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    from_id TEXT COLLATE "C",
    assignee_id TEXT COLLATE "C",
    due_ms BIGINT
);
CREATE INDEX insights_of_conversation ON insights (conversation_id, message_id);

CREATE TABLE tracker_matches (
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tracker_id TEXT NOT NULL,
    tracker_name TEXT NOT NULL,
    value TEXT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    text TEXT NOT NULL,
    "offset" BIGINT NOT NULL,
    insights TEXT NOT NULL
);
-- Clients choose the texts, and an index has no room for long ones.
CREATE UNIQUE INDEX tracker_matches_once
    ON tracker_matches (conversation_id, md5(tracker_id), message_id, md5(value), "offset");

CREATE TABLE topics (
    conversation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    topics TEXT NOT NULL
);

CREATE TABLE summaries (
    conversation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    message_ids TEXT NOT NULL
);

CREATE TABLE trackers (
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    categories TEXT NOT NULL,
    languages TEXT NOT NULL,
    vocabulary TEXT NOT NULL,
    exclude_vocabulary TEXT NOT NULL,
    threshold DOUBLE PRECISION,
    strict BOOLEAN,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX trackers_by_name ON trackers (md5(name));

CREATE TABLE jobs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    -- The engine that works on it.
    owner TEXT COLLATE "C" NOT NULL
);
CREATE INDEX jobs_of_conversation ON jobs (conversation_id);
"#;

/// Makes the tables, or takes the steps that the database has not taken yet: all or none.
pub(super) fn migrate(session: &mut Session) -> Result<(), StoreError> {
    session.transaction(|access| {
        access.batch(TURN)?;
        let known = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
        let found = version(access)?;
        if found > known {
            return Err(StoreError::NewerTables { found, known });
        }
        for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            access.batch(step)?;
        }
        access.execute("UPDATE symbl_bridge.schema_version SET version = $1", &[&known])?;
        Ok(())
    })
}

/// Returns how many steps the database has taken; makes the place where that is written down.
fn version(access: &mut Access<'_, Transaction<'_>>) -> Result<i32, StoreError> {
    // An operator may have made the schema for a user who may not.
    let schema = access.query("SELECT to_regnamespace('symbl_bridge') IS NOT NULL", &[])?;
    if !schema.first().is_some_and(|row| row.get(0)) {
        access.batch("CREATE SCHEMA symbl_bridge")?;
    }
    access.batch(
        "CREATE TABLE IF NOT EXISTS symbl_bridge.schema_version (version INT NOT NULL);
         INSERT INTO symbl_bridge.schema_version
            SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM symbl_bridge.schema_version)",
    )?;
    let row = access.query_opt("SELECT version FROM symbl_bridge.schema_version", &[])?;
    Ok(row.map_or(0, |row| row.get(0)))
}
