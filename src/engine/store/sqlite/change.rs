//! What users of the REST API change, and what a restart puts in order.

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{read, write};
use crate::engine::store::StoreError;
use crate::engine::store::record::{ConversationRecord, MemberRecord};
use crate::engine::store::view::OpenConversation;

/// Returns the conversations that go on, newest first, and ends the others.
pub(super) fn take_up_again(
    transaction: &Transaction,
    now_ms: i64,
    grace_ms: i64,
) -> Result<Vec<OpenConversation>, StoreError> {
    let columns = read::CONVERSATION;
    let sql = format!("SELECT {columns} FROM conversations WHERE end_ms IS NULL ORDER BY start_ms DESC, id");
    let unended: Vec<ConversationRecord> =
        transaction.prepare(&sql)?.query_map([], read::conversation_of)?.collect::<rusqlite::Result<_>>()?;
    let mut taken = HashSet::new();
    let mut open = Vec::new();
    for record in unended {
        let (next_sequence, last_message_end_ms): (i64, Option<i64>) = transaction
            .prepare_cached(
                "SELECT coalesce(max(sequence) + 1, 0), max(end_ms) FROM messages WHERE conversation_id = ?1",
            )?
            .query_row([&record.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let last_known_ms = last_message_end_ms.unwrap_or(record.start_ms);
        let patience_ms = record.no_connection_timeout_ms.max(grace_ms);
        // Imported texts have no connection to come back on.
        let goes_on = now_ms <= last_known_ms.saturating_add(patience_ms)
            && !record.connection_id.is_empty()
            && taken.insert(record.connection_id.clone());
        if goes_on {
            let members = read::members(transaction, &record.id)?;
            let next_sequence = u64::try_from(next_sequence).unwrap_or(0);
            open.push(OpenConversation { record, members, next_sequence, last_message_end_ms });
        } else {
            write::execute(
                transaction,
                "UPDATE conversations SET end_ms = ?2 WHERE id = ?1",
                params![record.id, last_known_ms],
            )?;
        }
    }
    Ok(open)
}

/// Deletes some of the conversations that ended before a time; returns how many.
pub(super) fn delete_ended_before(
    transaction: &Transaction,
    before_ms: i64,
    most: u32,
) -> rusqlite::Result<u64> {
    let sql =
        "DELETE FROM conversations WHERE id IN (SELECT id FROM conversations WHERE end_ms < ?1 LIMIT ?2)";
    Ok(transaction.prepare_cached(sql)?.execute(params![before_ms, most])? as u64)
}

/// Deletes a conversation; its rows in other tables go with it.
pub(super) fn delete_conversation(transaction: &Transaction, id: &str) -> rusqlite::Result<bool> {
    Ok(transaction.execute("DELETE FROM conversations WHERE id = ?1", [id])? > 0)
}

/// Replaces the metadata, a JSON object.
pub(super) fn set_metadata(transaction: &Transaction, id: &str, metadata: &str) -> rusqlite::Result<bool> {
    Ok(transaction.execute("UPDATE conversations SET metadata = ?2 WHERE id = ?1", [id, metadata])? > 0)
}

/// Gives a member a name that clients no longer change.
pub(super) fn rename_member(
    transaction: &Transaction,
    conversation_id: &str,
    member: &MemberRecord,
) -> rusqlite::Result<bool> {
    let sql =
        "UPDATE members SET name = ?3, user_id = ?4, renamed = 1 WHERE conversation_id = ?1 AND id = ?2";
    let values = params![conversation_id, member.id, member.name, member.user_id];
    Ok(transaction.execute(sql, values)? > 0)
}

/// Says who said which messages, and with them who is meant by their insights.
pub(super) fn assign_speakers(
    transaction: &Transaction,
    conversation_id: &str,
    speakers: &[(String, MemberRecord)],
) -> rusqlite::Result<()> {
    for (message_id, member) in speakers {
        let is_known = transaction
            .prepare_cached("SELECT 1 FROM members WHERE conversation_id = ?1 AND id = ?2")?
            .query_row([conversation_id, &member.id], |_| Ok(()))
            .optional()?;
        if is_known.is_none() {
            write::member(transaction, conversation_id, member)?;
        }
        write::execute(
            transaction,
            "UPDATE messages SET member_id = ?3 WHERE conversation_id = ?1 AND id = ?2",
            params![conversation_id, message_id, member.id],
        )?;
        write::execute(
            transaction,
            "UPDATE insights SET from_id = ?3,
                assignee_id = CASE WHEN assignee_id IS from_id AND from_id IS NOT NULL THEN ?3 ELSE assignee_id END
             WHERE conversation_id = ?1 AND message_id = ?2",
            params![conversation_id, message_id, member.id],
        )?;
    }
    Ok(())
}
