//! What users of the REST API change, what goes from one engine to another, and what dead engines left behind.

use postgres::{GenericClient, Transaction};

use super::read;
use super::session::Access;
use super::write::{self, storable};
use crate::engine::store::StoreError;
use crate::engine::store::record::MemberRecord;
use crate::engine::store::view::OpenConversation;

/// Held by the engine that keeps house: one at a time. "symbl-hk" in ASCII.
const HOUSEKEEPING: &str = "SELECT pg_try_advisory_xact_lock(8320796773016528747)";

/// Makes `node` the owner of the newest open conversation of a connection id, unless it is that or its time is over.
pub(super) fn take_over(
    access: &mut Access<'_, Transaction<'_>>,
    node: &str,
    connection_id: &str,
    now_ms: i64,
    grace_ms: i64,
) -> Result<Option<OpenConversation>, StoreError> {
    let found = access.query_opt(
        "SELECT id, connection_id, name, start_ms, end_ms, no_connection_timeout_ms,
            (SELECT coalesce(max(sequence) + 1, 0) FROM messages WHERE conversation_id = conversations.id),
            (SELECT max(messages.end_ms) FROM messages WHERE conversation_id = conversations.id),
            EXISTS (SELECT 1 FROM nodes WHERE nodes.id = owner
                AND seen > clock_timestamp() - interval '30 seconds')
         FROM conversations WHERE connection_id = $1 AND end_ms IS NULL AND owner <> $2
         ORDER BY start_ms DESC, id LIMIT 1 FOR UPDATE OF conversations",
        &[&storable(connection_id), &node],
    )?;
    let Some(row) = found else { return Ok(None) };
    let record = read::conversation_of(&row);
    let (next_sequence, last_message_end_ms): (i64, Option<i64>) = (row.get(6), row.get(7));
    // Whoever died a moment ago still counts as alive: then somebody was in it until now, however long they were silent.
    let is_live: bool = row.get(8);
    let last_known_ms = last_message_end_ms.unwrap_or(record.start_ms);
    let patience_ms = record.no_connection_timeout_ms.max(grace_ms);
    if !is_live && now_ms > last_known_ms.saturating_add(patience_ms) {
        return Ok(None);
    }
    access.execute("UPDATE conversations SET owner = $2 WHERE id = $1", &[&record.id, &node])?;
    let members = read::members(access, &record.id)?;
    let next_sequence = u64::try_from(next_sequence).unwrap_or(0);
    Ok(Some(OpenConversation { record, members, next_sequence, last_message_end_ms }))
}

/// Ends conversations at their last message whose engine is gone and to whom nobody may come back any longer. Engines
/// that were not seen for a while count as gone if `silent_ones_are_dead`, otherwise only those that said good-bye.
pub(super) fn end_abandoned(
    access: &mut Access<'_, Transaction<'_>>,
    now_ms: i64,
    grace_ms: i64,
    silent_ones_are_dead: bool,
) -> Result<u64, StoreError> {
    if !is_housekeeper(access)? {
        return Ok(0);
    }
    // Imported texts have no connection to come back on.
    let ended = access.execute(
        "UPDATE conversations SET end_ms = last.known_ms
         FROM (SELECT open.id, coalesce(
                    (SELECT max(messages.end_ms) FROM messages WHERE conversation_id = open.id), start_ms) AS known_ms
               FROM conversations AS open WHERE open.end_ms IS NULL) AS last
         WHERE last.id = conversations.id AND conversations.end_ms IS NULL
            AND (connection_id = '' OR last.known_ms + greatest(no_connection_timeout_ms, $2) < $1)
            AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = owner
                AND (seen > clock_timestamp() - interval '30 seconds' OR NOT $3))",
        &[&now_ms, &grace_ms, &silent_ones_are_dead],
    )?;
    access.execute("DELETE FROM nodes WHERE seen < clock_timestamp() - interval '1 hour'", &[])?;
    Ok(ended)
}

/// Deletes some of the conversations that ended before a time; returns how many. None while another engine does it.
pub(super) fn delete_ended_before(
    access: &mut Access<'_, Transaction<'_>>,
    before_ms: i64,
    most: i64,
) -> Result<u64, StoreError> {
    if !is_housekeeper(access)? {
        return Ok(0);
    }
    let sql =
        "DELETE FROM conversations WHERE id IN (SELECT id FROM conversations WHERE end_ms < $1 LIMIT $2)";
    Ok(access.execute(sql, &[&before_ms, &most])?)
}

/// Returns whether this transaction is the one that keeps house until it ends.
fn is_housekeeper<C: GenericClient>(access: &mut Access<'_, C>) -> Result<bool, StoreError> {
    Ok(access.query_opt(HOUSEKEEPING, &[])?.is_some_and(|row| row.get(0)))
}

/// Says that `node` lives.
pub(super) fn beat<C: GenericClient>(access: &mut Access<'_, C>, node: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO nodes (id, seen) VALUES ($1, clock_timestamp())
               ON CONFLICT (id) DO UPDATE SET seen = excluded.seen";
    access.execute(sql, &[&node])?;
    Ok(())
}

/// Says that `node` ends, so that others need not wait to find out.
pub(super) fn say_good_bye<C: GenericClient>(
    access: &mut Access<'_, C>,
    node: &str,
) -> Result<(), StoreError> {
    access.execute("DELETE FROM nodes WHERE id = $1", &[&node])?;
    Ok(())
}

/// Returns the secret of a name; the first engine that asks writes it down.
pub(super) fn secret(
    access: &mut Access<'_, Transaction<'_>>,
    name: &str,
    made_up: &str,
) -> Result<String, StoreError> {
    let sql = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    access.execute(sql, &[&name, &made_up])?;
    let row = access.query_opt("SELECT value FROM secrets WHERE name = $1", &[&name])?;
    Ok(row.map_or_else(|| made_up.to_owned(), |row| row.get(0)))
}

/// Deletes a conversation; its rows in other tables go with it.
pub(super) fn delete_conversation<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
) -> Result<bool, StoreError> {
    Ok(access.execute("DELETE FROM conversations WHERE id = $1", &[&storable(id)])? > 0)
}

/// Replaces the metadata, a JSON object.
pub(super) fn set_metadata<C: GenericClient>(
    access: &mut Access<'_, C>,
    id: &str,
    metadata: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE conversations SET metadata = $2 WHERE id = $1";
    Ok(access.execute(sql, &[&storable(id), &metadata])? > 0)
}

/// Gives a member a name that clients no longer change.
pub(super) fn rename_member<C: GenericClient>(
    access: &mut Access<'_, C>,
    conversation_id: &str,
    member: &MemberRecord,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE members SET name = $3, user_id = $4, renamed = TRUE WHERE conversation_id = $1 AND id = $2";
    let (id, name) = (storable(&member.id), storable(&member.name));
    Ok(access.execute(sql, &[&storable(conversation_id), &id, &name, &storable(&member.user_id)])? > 0)
}

/// Says who said which messages, and with them who is meant by their insights.
pub(super) fn assign_speakers<C: GenericClient>(
    access: &mut Access<'_, C>,
    conversation_id: &str,
    speakers: &[(String, MemberRecord)],
) -> Result<(), StoreError> {
    let id = storable(conversation_id);
    for (message_id, member) in speakers {
        let (message_id, member_id) = (storable(message_id), storable(&member.id));
        let known = "SELECT 1 FROM members WHERE conversation_id = $1 AND id = $2";
        if access.query_opt(known, &[&id, &member_id])?.is_none() {
            write::member(access, conversation_id, member)?;
        }
        access.execute(
            "UPDATE messages SET member_id = $3 WHERE conversation_id = $1 AND id = $2",
            &[&id, &message_id, &member_id],
        )?;
        access.execute(
            "UPDATE insights SET from_id = $3,
                assignee_id = CASE WHEN assignee_id = from_id THEN $3 ELSE assignee_id END
             WHERE conversation_id = $1 AND message_id = $2",
            &[&id, &message_id, &member_id],
        )?;
    }
    Ok(())
}
