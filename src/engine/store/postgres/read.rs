//! Queries. Everything of a conversation is found by an index that begins with its id.

use std::collections::HashMap;

use postgres::{GenericClient, Row};
use serde::de::DeserializeOwned;

use super::session::Access;
use super::write::storable;
use crate::engine::store::StoreError;
use crate::engine::store::error::PostgresFault;
use crate::engine::store::record::{
    ConversationRecord, InsightRecord, MemberRecord, MessageRecord, TopicRecord, TrackerMatchRecord,
    WordRecord,
};
use crate::engine::store::view::{ConversationQuery, StoredConversation, SummaryRecord, TalkRecord};

/// Returns one page of conversations.
pub(super) fn conversations<C: GenericClient>(
    access: &mut Access<'_, C>,
    query: &ConversationQuery,
) -> Result<Vec<StoredConversation>, StoreError> {
    // By the time's index, newest or oldest first, so that a page is full long before all texts are read.
    macro_rules! page {
        ($direction:literal) => {
            concat!(
                r"SELECT id, connection_id, name, start_ms, end_ms, no_connection_timeout_ms, metadata
                FROM conversations WHERE start_ms BETWEEN $1 AND $2 AND NOT EXISTS (
                    SELECT 1 FROM unnest($5::text[]) AS word WHERE NOT (
                        conversations.name ILIKE word ESCAPE '\' OR metadata ILIKE word ESCAPE '\'
                        OR EXISTS (SELECT 1 FROM members WHERE conversation_id = conversations.id
                            AND (members.name ILIKE word ESCAPE '\' OR user_id ILIKE word ESCAPE '\'))
                        OR EXISTS (SELECT 1 FROM topics WHERE conversation_id = conversations.id
                            AND topics ILIKE word ESCAPE '\')
                        OR EXISTS (SELECT 1 FROM messages WHERE conversation_id = conversations.id
                            AND text ILIKE word ESCAPE '\')))
                ORDER BY start_ms ",
                $direction,
                ", id ",
                $direction,
                " LIMIT $3 OFFSET $4"
            )
        };
    }
    let sql = if query.newest_first { page!("DESC") } else { page!("ASC") };
    let words: Vec<String> = query.search.iter().map(|word| anywhere(&storable(word))).collect();
    let (limit, offset) = (i64::from(query.limit), i64::from(query.offset));
    let rows = access.query(sql, &[&query.from_ms, &query.until_ms, &limit, &offset, &words])?;
    let mut found = rows.iter().map(stored_conversation_of).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<&str> = found.iter().map(|conversation| conversation.record.id.as_str()).collect();
    let mut members: HashMap<String, Vec<MemberRecord>> = HashMap::new();
    let sql = "SELECT id, name, user_id, conversation_id FROM members WHERE conversation_id = ANY($1) ORDER BY place";
    for row in access.query(sql, &[&ids])? {
        members.entry(row.get(3)).or_default().push(member_of(&row));
    }
    for conversation in &mut found {
        conversation.members = members.remove(&conversation.record.id).unwrap_or_default();
    }
    Ok(found)
}

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
pub(super) fn conversation<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Option<StoredConversation>, StoreError> {
    let sql = "SELECT id, connection_id, name, start_ms, end_ms, no_connection_timeout_ms, metadata FROM conversations
               WHERE id = $1";
    let Some(row) = access.query_opt(sql, &[&storable(id)])? else { return Ok(None) };
    let mut conversation = stored_conversation_of(&row)?;
    conversation.members = members(access, id)?;
    Ok(Some(conversation))
}

/// Returns a conversation's members in the order they came.
pub(super) fn members<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Vec<MemberRecord>, StoreError> {
    let sql = "SELECT id, name, user_id FROM members WHERE conversation_id = $1 ORDER BY place";
    Ok(access.query(sql, &[&storable(id)])?.iter().map(member_of).collect())
}

fn member_of(row: &Row) -> MemberRecord {
    MemberRecord { id: row.get(0), name: row.get(1), user_id: row.get(2) }
}

/// Returns a conversation's messages by time.
pub(super) fn messages<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
    with_words: bool,
) -> Result<Vec<MessageRecord>, StoreError> {
    let sql = match with_words {
        true => {
            "SELECT id, conversation_id, sequence, member_id, text, start_ms, end_ms, polarity, entities, words
             FROM messages WHERE conversation_id = $1 ORDER BY start_ms, sequence"
        }
        false => {
            "SELECT id, conversation_id, sequence, member_id, text, start_ms, end_ms, polarity, entities, NULL::text
             FROM messages WHERE conversation_id = $1 ORDER BY start_ms, sequence"
        }
    };
    let message = |row: &Row| {
        let start_ms = row.get(5);
        let entities: &str = row.get(8);
        Ok(MessageRecord {
            id: row.get(0),
            conversation_id: row.get(1),
            sequence: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
            member_id: row.get(3),
            text: row.get(4),
            start_ms,
            end_ms: row.get(6),
            polarity: row.get(7),
            entities: if entities == "[]" { Vec::new() } else { parsed(entities)? },
            words: match row.get::<_, Option<&str>>(9) {
                Some(words) => words_of(words, start_ms)?,
                None => Vec::new(),
            },
        })
    };
    access.query(sql, &[&storable(id)])?.iter().map(message).collect()
}

fn words_of(json: &str, start_ms: i64) -> Result<Vec<WordRecord>, StoreError> {
    let words: Vec<(String, i64, i64)> = parsed(json)?;
    let at = |since_start: i64| start_ms.saturating_add(since_start);
    Ok(words
        .into_iter()
        .map(|(word, start, end)| WordRecord { word, start_ms: at(start), end_ms: at(end) })
        .collect())
}

/// Returns who talked when, by time.
pub(super) fn talks<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Vec<TalkRecord>, StoreError> {
    let sql = "SELECT member_id, start_ms, end_ms, word_count FROM messages WHERE conversation_id = $1
               ORDER BY start_ms, sequence";
    let talk = |row: &Row| TalkRecord {
        member_id: row.get(0),
        start_ms: row.get(1),
        end_ms: row.get(2),
        words: u32::try_from(row.get::<_, i64>(3)).unwrap_or(u32::MAX),
    };
    Ok(access.query(sql, &[&storable(id)])?.iter().map(talk).collect())
}

/// Returns a conversation's insights in the order they were found.
pub(super) fn insights<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Vec<InsightRecord>, StoreError> {
    let sql = "SELECT id, conversation_id, kind, text, message_id, score, from_id, assignee_id, due_ms FROM insights
               WHERE conversation_id = $1 ORDER BY place";
    let insight = |row: &Row| InsightRecord {
        id: row.get(0),
        conversation_id: row.get(1),
        kind: row.get(2),
        text: row.get(3),
        message_id: row.get(4),
        score: row.get(5),
        from_id: row.get(6),
        assignee_id: row.get(7),
        due_ms: row.get(8),
    };
    Ok(access.query(sql, &[&storable(id)])?.iter().map(insight).collect())
}

/// Returns a conversation's tracker matches in the order they were found.
pub(super) fn tracker_matches<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Vec<TrackerMatchRecord>, StoreError> {
    let sql =
        "SELECT conversation_id, tracker_id, tracker_name, value, message_id, text, \"offset\", insights
               FROM tracker_matches WHERE conversation_id = $1 ORDER BY place";
    let found = |row: &Row| {
        Ok(TrackerMatchRecord {
            conversation_id: row.get(0),
            tracker_id: row.get(1),
            tracker_name: row.get(2),
            value: row.get(3),
            message_id: row.get(4),
            text: row.get(5),
            offset: row.get(6),
            insights: parsed(row.get(7))?,
        })
    };
    access.query(sql, &[&storable(id)])?.iter().map(found).collect()
}

/// Returns a conversation's topics, best first.
pub(super) fn topics<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Vec<TopicRecord>, StoreError> {
    let row = access.query_opt("SELECT topics FROM topics WHERE conversation_id = $1", &[&storable(id)])?;
    row.map_or(Ok(Vec::new()), |row| parsed(row.get(0)))
}

/// Returns a conversation's written summary.
pub(super) fn summary<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<Option<SummaryRecord>, StoreError> {
    let sql = "SELECT text, message_ids FROM summaries WHERE conversation_id = $1";
    let summary = |row: Row| Ok(SummaryRecord { text: row.get(0), message_ids: parsed(row.get(1))? });
    access.query_opt(sql, &[&storable(id)])?.map(summary).transpose()
}

/// Returns the conversation in a row that begins with its columns.
pub(super) fn conversation_of(row: &Row) -> ConversationRecord {
    ConversationRecord {
        id: row.get(0),
        connection_id: row.get(1),
        name: row.get(2),
        start_ms: row.get(3),
        end_ms: row.get(4),
        no_connection_timeout_ms: row.get(5),
    }
}

fn stored_conversation_of(row: &Row) -> Result<StoredConversation, StoreError> {
    Ok(StoredConversation {
        record: conversation_of(row),
        metadata: parsed(row.get(6))?,
        members: Vec::new(),
    })
}

/// Returns what a column of JSON holds.
pub(super) fn parsed<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Postgres(PostgresFault::unreadable()))
}
