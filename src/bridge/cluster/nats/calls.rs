//! What is asked and written as calls and legs begin and end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bucket::{self, BucketError, kind};
use super::records::{CallRecord, ConferenceRecord, LegRecord, Pairs};
use super::{Inner, Link, SaidWhat, now};
use crate::bridge::call::facts::{CallFacts, LegFacts, Wish};
use crate::bridge::call::registry::StreamRefusal;
use crate::bridge::call::room::Room;
use crate::bridge::call::update::LegView;
use crate::bridge::cluster::{LegProposal, locked};
use crate::twilio::CallSid;

/// How long the record of a call that is over is kept, so that none of its stream tokens works twice.
const FORGET_AFTER: Duration = Duration::from_secs(10 * 60);

/// Calls that are over and wait to be forgotten; beyond it the bucket's age limit does it.
const MOST_TO_FORGET: usize = 10_000;

impl Inner {
    async fn room_of(&self, link: &Link, call_sid: &CallSid, wish: &Wish) -> Result<Room, BucketError> {
        match wish {
            Wish::Named(room) | Wish::OfNumber(room) => Ok(room.clone()),
            Wish::Pair { role, fresh } => {
                let pairs = |record: &mut Option<Pairs>| {
                    let pairs = record.get_or_insert_default();
                    pairs.room_for(now(), call_sid.as_str(), *role, fresh)
                };
                let room = bucket::change(&link.bucket, &bucket::key(kind::PAIRS, "all"), pairs).await?;
                Ok(Room::parse(&room).unwrap_or_else(|_| fresh.clone()))
            }
        }
    }

    pub(super) async fn announce(
        self: Arc<Self>,
        link: Link,
        call_sid: CallSid,
        wish: Wish,
    ) -> Result<CallFacts, BucketError> {
        let key = bucket::key(kind::CALL, call_sid.as_str());
        let known: Option<CallRecord> = bucket::read(&link.bucket, &key).await?;
        let room = match (&known, &wish) {
            (Some(known), Wish::OfNumber(_) | Wish::Pair { .. }) => Room::parse(&known.room).ok(),
            _ => None,
        };
        let room = match room {
            Some(room) => room,
            None => self.room_of(&link, &call_sid, &wish).await?,
        };
        let is_named = matches!(wish, Wish::Named(_));
        let take = |record: &mut Option<CallRecord>| {
            let call = record.get_or_insert_with(|| CallRecord::new(&room));
            if is_named {
                call.move_to(&room);
            }
            (call.room.clone(), call.next_stream)
        };
        let (named, next_stream) = bucket::change(&link.bucket, &key, take).await?;
        Ok(CallFacts { room: Room::parse(&named).unwrap_or(room), next_stream })
    }

    pub(super) async fn begin_leg(
        self: Arc<Self>,
        link: Link,
        name: String,
        proposal: LegProposal,
    ) -> Result<Result<LegFacts, StreamRefusal>, BucketError> {
        let LegProposal { call_sid, stream, room, connection_id, speaker } = proposal;
        let key = bucket::key(kind::CALL, call_sid.as_str());
        let known: Option<CallRecord> = bucket::read(&link.bucket, &key).await?;
        if let Some(Err(refusal)) = known.as_ref().map(|call| call.check(stream)) {
            return Ok(Err(refusal));
        }
        let room = known.and_then(|call| Room::parse(&call.room).ok()).unwrap_or(room);
        let conference = bucket::key(kind::CONFERENCE, room.as_str());
        let join = |record: &mut Option<ConferenceRecord>| {
            ConferenceRecord::join(record, now(), &name, &self.node, &connection_id)
        };
        let connection_id = bucket::change(&link.bucket, &conference, join).await?;
        let view = LegView {
            speaker,
            connection_id: connection_id.clone(),
            conversation_id: None,
            call_sid: call_sid.to_string(),
            room: room.to_string(),
        };
        let leg = LegRecord::new(&self.node, view);
        let begin = |record: &mut Option<CallRecord>| {
            let call = record.get_or_insert_with(|| CallRecord::new(&room));
            let replaces = !call.legs.is_empty();
            call.begin(stream, &name, leg.clone()).map(|()| (call.ended, replaces))
        };
        let (has_ended, replaces) = match bucket::change(&link.bucket, &key, begin).await? {
            Ok(begun) => begun,
            Err(refusal) => {
                self.leave(&link, &room, &name).await?;
                return Ok(Err(refusal));
            }
        };
        if replaces {
            self.say(SaidWhat::LegBegan { call_sid: call_sid.to_string(), stream });
        }
        Ok(Ok(LegFacts { name, room, connection_id, has_ended }))
    }

    pub(super) async fn leave(&self, link: &Link, room: &Room, name: &str) -> Result<(), BucketError> {
        let key = bucket::key(kind::CONFERENCE, room.as_str());
        let leave =
            |record: &mut Option<ConferenceRecord>| ConferenceRecord::leave(record, now(), name, false);
        bucket::change(&link.bucket, &key, leave).await
    }

    pub(super) async fn remove(&self, link: &Link, view: &LegView, name: &str) -> Result<(), BucketError> {
        if let Ok(room) = Room::parse(&view.room) {
            self.leave(link, &room, name).await?;
        }
        let remove = |record: &mut Option<CallRecord>| {
            if let Some(call) = record {
                call.legs.remove(name);
            }
        };
        bucket::change(&link.bucket, &bucket::key(kind::CALL, &view.call_sid), remove).await
    }

    /// Hands a leg over to whoever comes first; its conference waits for the call.
    pub(super) async fn hand_over(
        self: Arc<Self>,
        link: Link,
        view: LegView,
        name: String,
    ) -> Result<(), BucketError> {
        let hand = |record: &mut Option<CallRecord>| {
            if let Some(call) = record {
                call.hand_over(&name);
            }
        };
        // First, so that a conference that is found empty is one that waits.
        if let Ok(room) = Room::parse(&view.room) {
            let key = bucket::key(kind::CONFERENCE, room.as_str());
            let leave =
                |record: &mut Option<ConferenceRecord>| ConferenceRecord::leave(record, now(), &name, true);
            bucket::change(&link.bucket, &key, leave).await?;
        }
        bucket::change(&link.bucket, &bucket::key(kind::CALL, &view.call_sid), hand).await
    }

    pub(super) async fn end_call(self: Arc<Self>, link: Link, call_sid: CallSid) -> Result<(), BucketError> {
        let key = bucket::key(kind::CALL, call_sid.as_str());
        let end = |record: &mut Option<CallRecord>| {
            record.as_mut().is_some_and(|call| !std::mem::replace(&mut call.ended, true))
        };
        if bucket::change(&link.bucket, &key, end).await? {
            let mut shared = locked(&self.shared);
            if shared.to_forget.len() < MOST_TO_FORGET {
                shared.to_forget.push_back((Instant::now() + FORGET_AFTER, key));
            }
        }
        let leave = |record: &mut Option<Pairs>| {
            if let Some(pairs) = record {
                pairs.call_ended(call_sid.as_str());
            }
        };
        bucket::change(&link.bucket, &bucket::key(kind::PAIRS, "all"), leave).await
    }
}
