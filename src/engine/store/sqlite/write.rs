//! One record into the tables. Writing it again changes what is there, so a batch may be repeated.

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use serde::Serialize;

use crate::engine::store::finite;
use crate::engine::store::record::{
    ConversationRecord, InsightRecord, MemberRecord, MessageRecord, Record, TrackerMatchRecord,
};

/// Writes all records or none; returns how many can never be written, whatever is tried.
pub(super) fn all(connection: &mut Connection, records: &[Record]) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut refused = 0;
    for record in records {
        match self::record(&transaction, record) {
            Ok(()) => {}
            Err(error) if is_about_the_record(&error) => refused += 1,
            Err(error) => return Err(error),
        }
    }
    transaction.commit()?;
    Ok(refused)
}

fn is_about_the_record(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => {
            matches!(code, ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
        }
        None => true,
    }
}

fn record(transaction: &Transaction, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Began(conversation) => began(transaction, conversation),
        Record::Member { conversation_id, member } => self::member(transaction, conversation_id, member),
        Record::Message(message) => self::message(transaction, message),
        Record::Insight(insight) => self::insight(transaction, insight),
        Record::TrackerMatch(found) => tracker_match(transaction, found),
        Record::Topics { conversation_id, topics } => execute(
            transaction,
            "INSERT INTO topics (conversation_id, topics) VALUES (?1, ?2)
             ON CONFLICT (conversation_id) DO UPDATE SET topics = excluded.topics",
            params![conversation_id, json(topics)?],
        ),
        Record::Summary { conversation_id, text, message_ids } => execute(
            transaction,
            "INSERT INTO summaries (conversation_id, text, message_ids) VALUES (?1, ?2, ?3)
             ON CONFLICT (conversation_id) DO UPDATE SET text = excluded.text, message_ids = excluded.message_ids",
            params![conversation_id, text, json(message_ids)?],
        ),
        Record::Ended { conversation_id, end_ms } => execute(
            transaction,
            "UPDATE conversations SET end_ms = ?2 WHERE id = ?1",
            params![conversation_id, end_ms],
        ),
    }
}

fn began(transaction: &Transaction, conversation: &ConversationRecord) -> rusqlite::Result<()> {
    execute(
        transaction,
        "INSERT INTO conversations (id, connection_id, name, start_ms, end_ms, no_connection_timeout_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET connection_id = excluded.connection_id, name = excluded.name,
            start_ms = excluded.start_ms, end_ms = excluded.end_ms,
            no_connection_timeout_ms = excluded.no_connection_timeout_ms",
        params![
            conversation.id,
            conversation.connection_id,
            conversation.name,
            conversation.start_ms,
            conversation.end_ms,
            conversation.no_connection_timeout_ms
        ],
    )
}

/// Writes a member; a name that was given over REST stays.
pub(super) fn member(
    transaction: &Transaction,
    conversation_id: &str,
    member: &MemberRecord,
) -> rusqlite::Result<()> {
    execute(
        transaction,
        "INSERT INTO members (conversation_id, id, name, user_id) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (conversation_id, id) DO UPDATE SET name = excluded.name, user_id = excluded.user_id
         WHERE NOT renamed",
        params![conversation_id, member.id, member.name, member.user_id],
    )
}

fn message(transaction: &Transaction, message: &MessageRecord) -> rusqlite::Result<()> {
    let word_count =
        if message.words.is_empty() { message.text.split_whitespace().count() } else { message.words.len() };
    execute(
        transaction,
        "INSERT INTO messages (id, conversation_id, sequence, member_id, text, start_ms, end_ms, polarity, word_count,
            entities)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, member_id = excluded.member_id,
            text = excluded.text, start_ms = excluded.start_ms, end_ms = excluded.end_ms,
            polarity = excluded.polarity, word_count = excluded.word_count, entities = excluded.entities",
        params![
            message.id,
            message.conversation_id,
            i64::try_from(message.sequence).unwrap_or(i64::MAX),
            message.member_id,
            message.text,
            message.start_ms,
            message.end_ms,
            finite(message.polarity),
            word_count as i64,
            json(&message.entities)?
        ],
    )?;
    if message.words.is_empty() {
        return execute(transaction, "DELETE FROM words WHERE message_id = ?1", params![message.id]);
    }
    // Times from the message's start are a third of the bytes.
    let words: Vec<(&str, i64, i64)> = message
        .words
        .iter()
        .map(|word| {
            let since_start = |ms: i64| ms.saturating_sub(message.start_ms);
            (word.word.as_str(), since_start(word.start_ms), since_start(word.end_ms))
        })
        .collect();
    execute(
        transaction,
        "INSERT INTO words (message_id, words) VALUES (?1, ?2)
         ON CONFLICT (message_id) DO UPDATE SET words = excluded.words",
        params![message.id, json(&words)?],
    )
}

fn insight(transaction: &Transaction, insight: &InsightRecord) -> rusqlite::Result<()> {
    execute(
        transaction,
        "INSERT INTO insights (id, conversation_id, kind, text, message_id, score, from_id, assignee_id, due_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, text = excluded.text,
            message_id = excluded.message_id, score = excluded.score, from_id = excluded.from_id,
            assignee_id = excluded.assignee_id, due_ms = excluded.due_ms",
        params![
            insight.id,
            insight.conversation_id,
            insight.kind,
            insight.text,
            insight.message_id,
            finite(insight.score),
            insight.from_id,
            insight.assignee_id,
            insight.due_ms
        ],
    )
}

fn tracker_match(transaction: &Transaction, found: &TrackerMatchRecord) -> rusqlite::Result<()> {
    execute(
        transaction,
        "INSERT INTO tracker_matches (conversation_id, tracker_id, tracker_name, value, message_id, text, \"offset\",
            insights)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET tracker_name = excluded.tracker_name, text = excluded.text,
            insights = excluded.insights",
        params![
            found.conversation_id,
            found.tracker_id,
            found.tracker_name,
            found.value,
            found.message_id,
            found.text,
            found.offset,
            json(&found.insights)?
        ],
    )
}

pub(super) fn execute(
    transaction: &Transaction,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    transaction.prepare_cached(sql)?.execute(parameters).map(drop)
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
