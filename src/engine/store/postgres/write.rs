//! One record into the tables. Writing it again changes what is there, so a batch may be repeated.

use std::borrow::Cow;

use postgres::GenericClient;
use serde::Serialize;

use super::session::{Access, Session};
use crate::engine::store::record::{
    ConversationRecord, InsightRecord, MemberRecord, MessageRecord, Record, TrackerMatchRecord,
};
use crate::engine::store::{StoreError, finite};

/// Writes all records or none; returns how many can never be written, whatever is tried. `node` is this engine.
pub(super) fn all(session: &mut Session, node: &str, records: &[Record]) -> Result<usize, StoreError> {
    let at_once = session.transaction(|access| {
        for record in records {
            self::record(access, node, record)?;
        }
        Ok(0)
    });
    match at_once {
        // One record spoils a transaction: only then is every record given a point to go back to.
        Err(StoreError::Postgres(fault)) if fault.is_about_the_record() => one_by_one(session, node, records),
        other => other,
    }
}

fn one_by_one(session: &mut Session, node: &str, records: &[Record]) -> Result<usize, StoreError> {
    session.transaction(|access| {
        let mut refused = 0;
        for record in records {
            access.batch("SAVEPOINT before_record")?;
            match self::record(access, node, record).map_err(StoreError::from) {
                Ok(()) => access.batch("RELEASE SAVEPOINT before_record")?,
                Err(StoreError::Postgres(fault)) if fault.is_about_the_record() => {
                    access.batch("ROLLBACK TO SAVEPOINT before_record")?;
                    refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    })
}

fn record<C: GenericClient>(
    access: &mut Access<'_, C>,
    node: &str,
    record: &Record,
) -> Result<(), postgres::Error> {
    let touched = match record {
        Record::Began(conversation) => began(access, node, conversation),
        Record::Member { conversation_id, member } => self::member(access, conversation_id, member),
        Record::Message(message) => self::message(access, message),
        Record::Insight(insight) => self::insight(access, insight),
        Record::TrackerMatch(found) => tracker_match(access, found),
        Record::Topics { conversation_id, topics } => access.execute(
            "INSERT INTO topics (conversation_id, topics) VALUES ($1, $2)
             ON CONFLICT (conversation_id) DO UPDATE SET topics = excluded.topics",
            &[&storable(conversation_id), &json(topics)],
        ),
        Record::Summary { conversation_id, text, message_ids } => access.execute(
            "INSERT INTO summaries (conversation_id, text, message_ids) VALUES ($1, $2, $3)
             ON CONFLICT (conversation_id) DO UPDATE SET text = excluded.text, message_ids = excluded.message_ids",
            &[&storable(conversation_id), &storable(text), &json(message_ids)],
        ),
        // An engine whose conversation has gone over to another does not end it for that one.
        Record::Ended { conversation_id, end_ms } => access.execute(
            "UPDATE conversations SET end_ms = CASE WHEN owner = $3 THEN $2 ELSE greatest(end_ms, $2) END
             WHERE id = $1 AND (owner = $3 OR connection_id = '' OR end_ms IS NOT NULL)",
            &[&storable(conversation_id), end_ms, &node],
        ),
    };
    touched.map(drop)
}

fn began<C: GenericClient>(
    access: &mut Access<'_, C>,
    node: &str,
    conversation: &ConversationRecord,
) -> Result<u64, postgres::Error> {
    access.execute(
        "INSERT INTO conversations (id, connection_id, name, start_ms, end_ms, no_connection_timeout_ms, owner)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET connection_id = excluded.connection_id, name = excluded.name,
            start_ms = excluded.start_ms, end_ms = excluded.end_ms,
            no_connection_timeout_ms = excluded.no_connection_timeout_ms, owner = excluded.owner",
        &[
            &storable(&conversation.id),
            &storable(&conversation.connection_id),
            &storable(&conversation.name),
            &conversation.start_ms,
            &conversation.end_ms,
            &conversation.no_connection_timeout_ms,
            &node,
        ],
    )
}

/// Writes a member; a name that was given over REST stays.
pub(super) fn member<C: GenericClient>(
    access: &mut Access<'_, C>,
    conversation_id: &str,
    member: &MemberRecord,
) -> Result<u64, postgres::Error> {
    access.execute(
        "INSERT INTO members (conversation_id, id, name, user_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (conversation_id, id) DO UPDATE SET name = excluded.name, user_id = excluded.user_id
         WHERE NOT members.renamed",
        &[
            &storable(conversation_id),
            &storable(&member.id),
            &storable(&member.name),
            &storable(&member.user_id),
        ],
    )
}

fn message<C: GenericClient>(
    access: &mut Access<'_, C>,
    message: &MessageRecord,
) -> Result<u64, postgres::Error> {
    let word_count =
        if message.words.is_empty() { message.text.split_whitespace().count() } else { message.words.len() };
    // Times from the message's start are a third of the bytes.
    let words: Vec<(&str, i64, i64)> = message
        .words
        .iter()
        .map(|word| {
            let since_start = |ms: i64| ms.saturating_sub(message.start_ms);
            (word.word.as_str(), since_start(word.start_ms), since_start(word.end_ms))
        })
        .collect();
    access.execute(
        "INSERT INTO messages (id, conversation_id, sequence, member_id, text, start_ms, end_ms, polarity, word_count,
            entities, words)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, member_id = excluded.member_id,
            text = excluded.text, start_ms = excluded.start_ms, end_ms = excluded.end_ms,
            polarity = excluded.polarity, word_count = excluded.word_count, entities = excluded.entities,
            words = excluded.words",
        &[
            &storable(&message.id),
            &storable(&message.conversation_id),
            &i64::try_from(message.sequence).unwrap_or(i64::MAX),
            &message.member_id.as_deref().map(storable),
            &storable(&message.text),
            &message.start_ms,
            &message.end_ms,
            &finite(message.polarity),
            &(word_count as i64),
            &json(&message.entities),
            &(!words.is_empty()).then(|| json(&words)),
        ],
    )
}

fn insight<C: GenericClient>(
    access: &mut Access<'_, C>,
    insight: &InsightRecord,
) -> Result<u64, postgres::Error> {
    access.execute(
        "INSERT INTO insights (id, conversation_id, kind, text, message_id, score, from_id, assignee_id, due_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, text = excluded.text,
            message_id = excluded.message_id, score = excluded.score, from_id = excluded.from_id,
            assignee_id = excluded.assignee_id, due_ms = excluded.due_ms",
        &[
            &storable(&insight.id),
            &storable(&insight.conversation_id),
            &storable(&insight.kind),
            &storable(&insight.text),
            &storable(&insight.message_id),
            &finite(insight.score),
            &insight.from_id.as_deref().map(storable),
            &insight.assignee_id.as_deref().map(storable),
            &insight.due_ms,
        ],
    )
}

fn tracker_match<C: GenericClient>(
    access: &mut Access<'_, C>,
    found: &TrackerMatchRecord,
) -> Result<u64, postgres::Error> {
    access.execute(
        "INSERT INTO tracker_matches (conversation_id, tracker_id, tracker_name, value, message_id, text, \"offset\",
            insights)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (conversation_id, md5(tracker_id), message_id, md5(value), \"offset\")
         DO UPDATE SET tracker_name = excluded.tracker_name, text = excluded.text, insights = excluded.insights",
        &[
            &storable(&found.conversation_id),
            &storable(&found.tracker_id),
            &storable(&found.tracker_name),
            &storable(&found.value),
            &storable(&found.message_id),
            &storable(&found.text),
            &found.offset,
            &json(&found.insights),
        ],
    )
}

/// Returns a text as PostgreSQL takes it: it has no character 0, which nobody says or can see.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// Returns JSON as text. In there a character 0 is written as six others.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> String {
    // Lists of texts and numbers can always be written.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
