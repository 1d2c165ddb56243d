//! Queries. Everything of a conversation is found by an index that begins with its id.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use serde::de::DeserializeOwned;

use crate::engine::store::record::{
    ConversationRecord, InsightRecord, MemberRecord, MessageRecord, TopicRecord, TrackerMatchRecord,
    WordRecord,
};
use crate::engine::store::view::{ConversationQuery, StoredConversation, SummaryRecord, TalkRecord};

/// The columns that [`conversation_of`] reads.
pub(super) const CONVERSATION: &str =
    "id, connection_id, name, start_ms, end_ms, no_connection_timeout_ms, metadata";

/// Returns one page of conversations.
pub(super) fn conversations(
    connection: &Connection,
    query: &ConversationQuery,
) -> rusqlite::Result<Vec<StoredConversation>> {
    let direction = if query.newest_first { "DESC" } else { "ASC" };
    // By the time's index, newest or oldest first, so that a page is full long before all texts are read.
    let occurs: String =
        (0..query.search.len()).map(|word| OCCURS.replace("?word", &format!("?{}", word + 5))).collect();
    let sql = format!(
        "SELECT {CONVERSATION} FROM conversations WHERE start_ms BETWEEN ?1 AND ?2 {occurs}
         ORDER BY start_ms {direction}, id {direction} LIMIT ?3 OFFSET ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let words: Vec<String> = query.search.iter().map(|word| anywhere(word)).collect();
    let mut range = params![query.from_ms, query.until_ms, query.limit, query.offset].to_vec();
    range.extend(words.iter().map(|word| word as &dyn ToSql));
    let rows = statement.query_map(range.as_slice(), stored_conversation_of)?;
    rows.map(|row| with_members(connection, row?)).collect()
}

/// Whether a word occurs in a conversation.
const OCCURS: &str = r"
    AND (name LIKE ?word ESCAPE '\' OR metadata LIKE ?word ESCAPE '\'
      OR EXISTS (SELECT 1 FROM members WHERE conversation_id = conversations.id
                 AND (members.name LIKE ?word ESCAPE '\' OR user_id LIKE ?word ESCAPE '\'))
      OR EXISTS (SELECT 1 FROM topics WHERE conversation_id = conversations.id AND topics LIKE ?word ESCAPE '\')
      OR EXISTS (SELECT 1 FROM messages WHERE conversation_id = conversations.id AND text LIKE ?word ESCAPE '\'))";

/// Returns the pattern of what has `word` somewhere in it; nothing in the word is a pattern itself.
fn anywhere(word: &str) -> String {
    let mut pattern = "%".to_owned();
    for letter in word.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Returns a conversation with its members.
pub(super) fn conversation(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<StoredConversation>> {
    let sql = format!("SELECT {CONVERSATION} FROM conversations WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id], stored_conversation_of).optional()?;
    found.map(|conversation| with_members(connection, conversation)).transpose()
}

fn with_members(
    connection: &Connection,
    conversation: StoredConversation,
) -> rusqlite::Result<StoredConversation> {
    let members = members(connection, &conversation.record.id)?;
    Ok(StoredConversation { members, ..conversation })
}

/// Returns a conversation's members in the order they came.
pub(super) fn members(connection: &Connection, id: &str) -> rusqlite::Result<Vec<MemberRecord>> {
    let sql = "SELECT id, name, user_id FROM members WHERE conversation_id = ?1 ORDER BY rowid";
    let member = |row: &Row| {
        Ok(MemberRecord { id: row.get("id")?, name: row.get("name")?, user_id: row.get("user_id")? })
    };
    connection.prepare_cached(sql)?.query_map([id], member)?.collect()
}

/// Returns a conversation's messages by time.
pub(super) fn messages(
    connection: &Connection,
    id: &str,
    with_words: bool,
) -> rusqlite::Result<Vec<MessageRecord>> {
    let (column, join) = match with_words {
        true => ("words.words", "LEFT JOIN words ON words.message_id = messages.id"),
        false => ("NULL", ""),
    };
    let sql = format!(
        "SELECT id, conversation_id, sequence, member_id, text, start_ms, end_ms, polarity, entities, {column}
         FROM messages {join} WHERE conversation_id = ?1 ORDER BY start_ms, sequence"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    // By place, not by name: this is the one query that reads ten thousand rows.
    let message = |row: &Row| {
        let start_ms = row.get(5)?;
        let entities = row.get_ref(8)?.as_str()?;
        Ok(MessageRecord {
            id: row.get(0)?,
            conversation_id: row.get(1)?,
            sequence: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            member_id: row.get(3)?,
            text: row.get(4)?,
            start_ms,
            end_ms: row.get(6)?,
            polarity: row.get(7)?,
            entities: if entities == "[]" { Vec::new() } else { parsed(8, entities)? },
            words: match row.get_ref(9)?.as_str_or_null()? {
                Some(words) => words_of(words, start_ms)?,
                None => Vec::new(),
            },
        })
    };
    statement.query_map([id], message)?.collect()
}

fn words_of(json: &str, start_ms: i64) -> rusqlite::Result<Vec<WordRecord>> {
    let words: Vec<(String, i64, i64)> = parsed(9, json)?;
    let at = |since_start: i64| start_ms.saturating_add(since_start);
    Ok(words
        .into_iter()
        .map(|(word, start, end)| WordRecord { word, start_ms: at(start), end_ms: at(end) })
        .collect())
}

/// Returns who talked when, by time.
pub(super) fn talks(connection: &Connection, id: &str) -> rusqlite::Result<Vec<TalkRecord>> {
    let sql = "SELECT member_id, start_ms, end_ms, word_count FROM messages WHERE conversation_id = ?1
               ORDER BY start_ms, sequence";
    let talk = |row: &Row| {
        Ok(TalkRecord {
            member_id: row.get(0)?,
            start_ms: row.get(1)?,
            end_ms: row.get(2)?,
            words: row.get(3)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([id], talk)?.collect()
}

/// Returns a conversation's insights in the order they were found.
pub(super) fn insights(connection: &Connection, id: &str) -> rusqlite::Result<Vec<InsightRecord>> {
    let sql = "SELECT id, conversation_id, kind, text, message_id, score, from_id, assignee_id, due_ms FROM insights
               WHERE conversation_id = ?1 ORDER BY rowid";
    let insight = |row: &Row| {
        Ok(InsightRecord {
            id: row.get("id")?,
            conversation_id: row.get("conversation_id")?,
            kind: row.get("kind")?,
            text: row.get("text")?,
            message_id: row.get("message_id")?,
            score: row.get("score")?,
            from_id: row.get("from_id")?,
            assignee_id: row.get("assignee_id")?,
            due_ms: row.get("due_ms")?,
        })
    };
    connection.prepare_cached(sql)?.query_map([id], insight)?.collect()
}

/// Returns a conversation's tracker matches in the order they were found.
pub(super) fn tracker_matches(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Vec<TrackerMatchRecord>> {
    let sql =
        "SELECT conversation_id, tracker_id, tracker_name, value, message_id, text, \"offset\", insights
               FROM tracker_matches WHERE conversation_id = ?1 ORDER BY rowid";
    let found = |row: &Row| {
        Ok(TrackerMatchRecord {
            conversation_id: row.get("conversation_id")?,
            tracker_id: row.get("tracker_id")?,
            tracker_name: row.get("tracker_name")?,
            value: row.get("value")?,
            message_id: row.get("message_id")?,
            text: row.get("text")?,
            offset: row.get("offset")?,
            insights: parsed(7, row.get_ref("insights")?.as_str()?)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([id], found)?.collect()
}

/// Returns a conversation's topics, best first.
pub(super) fn topics(connection: &Connection, id: &str) -> rusqlite::Result<Vec<TopicRecord>> {
    let sql = "SELECT topics FROM topics WHERE conversation_id = ?1";
    let topics = |row: &Row| parsed(0, row.get_ref(0)?.as_str()?);
    Ok(connection.prepare_cached(sql)?.query_row([id], topics).optional()?.unwrap_or_default())
}

/// Returns a conversation's written summary.
pub(super) fn summary(connection: &Connection, id: &str) -> rusqlite::Result<Option<SummaryRecord>> {
    let sql = "SELECT text, message_ids FROM summaries WHERE conversation_id = ?1";
    let summary = |row: &Row| {
        Ok(SummaryRecord { text: row.get(0)?, message_ids: parsed(1, row.get_ref(1)?.as_str()?)? })
    };
    connection.prepare_cached(sql)?.query_row([id], summary).optional()
}

/// Returns the conversation in a row of [`CONVERSATION`].
pub(super) fn conversation_of(row: &Row) -> rusqlite::Result<ConversationRecord> {
    Ok(ConversationRecord {
        id: row.get("id")?,
        connection_id: row.get("connection_id")?,
        name: row.get("name")?,
        start_ms: row.get("start_ms")?,
        end_ms: row.get("end_ms")?,
        no_connection_timeout_ms: row.get("no_connection_timeout_ms")?,
    })
}

fn stored_conversation_of(row: &Row) -> rusqlite::Result<StoredConversation> {
    Ok(StoredConversation {
        record: conversation_of(row)?,
        metadata: parsed(6, row.get_ref("metadata")?.as_str()?)?,
        members: Vec::new(),
    })
}

/// Returns what a column of JSON holds.
pub(super) fn parsed<T: DeserializeOwned>(column: usize, json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}
