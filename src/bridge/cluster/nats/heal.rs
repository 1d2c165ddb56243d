//! What makes the records true again: a node takes its legs back after it was cut off, and survivors report the legs of a node
//! that died.
//!
//! A leg has one `connection_stopped`. Whoever reports a leg as lost marks its record first; a node that finds its own leg
//! marked, or gone, goes on with it under a new name, as a leg that has just started. So both sides may be wrong about each
//! other and dashboards still hear one start and one stop for each name.

use std::collections::HashSet;
use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::bucket::{self, BucketError, kind};
use super::member::Session;
use super::outbox::Outgoing;
use super::records::{CallRecord, ConferenceRecord, LegRecord};
use super::{MyLeg, now};
use crate::bridge::call::leg::LegExit;
use crate::bridge::call::registry::LegId;
use crate::bridge::call::room::Room;
use crate::bridge::call::update::{LegNews, LegView, NODE_LOST, Told, UpdateKind};
use crate::bridge::cluster::{LostCall, locked};
use crate::telemetry::events;
use crate::twilio::CallSid;

/// Records that are written at the same time.
const AT_ONCE: usize = 16;

/// Writes this node's legs where they are missing.
pub(super) async fn take_legs_back(session: &Session) -> Result<(), BucketError> {
    let legs: Vec<LegId> = {
        let mut shared = locked(&session.inner.shared);
        shared.needs_mending = false;
        let kept = shared.legs.iter().filter(|(_, leg)| !leg.handed_over);
        kept.map(|(id, _)| *id).collect()
    };
    let written = stream::iter(legs).map(Ok).try_for_each_concurrent(AT_ONCE, |leg| take_back(session, leg));
    written.await.inspect_err(|_| session.inner.mend_later())
}

async fn take_back(session: &Session, id: LegId) -> Result<(), BucketError> {
    // A second time under a new name, if others were told that the leg is lost.
    for _ in 0..2 {
        let Some(leg) = my_leg(session, id) else { return Ok(()) };
        let Ok(room) = Room::parse(&leg.view.room) else { return Ok(()) };
        let key = bucket::key(kind::CALL, &leg.view.call_sid);
        let record = LegRecord::new(&session.inner.node, leg.view.clone());
        let take = |call: &mut Option<CallRecord>| {
            let call = call.get_or_insert_with(|| CallRecord::new(&room));
            call.take_back(leg.stream, &leg.name, record.clone(), leg.is_known)
        };
        if !bucket::change(&session.link.bucket, &key, take).await? {
            rename(session, id);
            continue;
        }
        if !leg.media_ended {
            let key = bucket::key(kind::CONFERENCE, room.as_str());
            let take = |conference: &mut Option<ConferenceRecord>| {
                let (node, connection_id) = (&session.inner.node, &leg.view.connection_id);
                ConferenceRecord::take_back(conference, now(), &leg.name, node, connection_id);
            };
            bucket::change(&session.link.bucket, &key, take).await?;
        }
        match locked(&session.inner.shared).legs.get_mut(&id) {
            Some(leg) => leg.is_known = true,
            // It ended meanwhile, and what it left is removed as nobody's.
            None => session.inner.mend_later(),
        }
        return Ok(());
    }
    Ok(())
}

fn my_leg(session: &Session, id: LegId) -> Option<MyLeg> {
    locked(&session.inner.shared).legs.get(&id).cloned()
}

/// Dashboards heard that the leg stopped; they hear now that one starts.
fn rename(session: &Session, id: LegId) {
    let mut shared = locked(&session.inner.shared);
    let Some(leg) = shared.legs.get_mut(&id) else { return };
    let old = std::mem::replace(&mut leg.name, uuid::Uuid::new_v4().to_string());
    leg.is_known = false;
    let started = leg.is_told.then(|| {
        let news = LegNews::Started(id, leg.view.clone());
        Outgoing::new(news.told(leg.name.clone(), Timestamp::now()), 0)
    });
    shared.outbox.forget_leg(&old);
    if let Some(started) = started {
        shared.outbox.push(started);
    }
    drop(shared);
    session.inner.wake.notify_one();
}

/// Does what is due; called about once a second.
pub(super) async fn tend(session: &Session) {
    report_lost_nodes(session).await;
    let doubts = doubts(session);
    if doubts.is_missing || locked(&session.inner.shared).needs_mending {
        // What fails sets the mark again.
        let _ = take_legs_back(session).await;
    }
    for (view, name) in doubts.strays {
        // What fails is still there when it is looked for again.
        let _ = session.inner.remove(&session.link, &view, &name).await;
    }
    for (room, name) in doubts.gone {
        let _ = session.inner.leave(&session.link, &room, &name).await;
    }
    forget_old_calls(session).await;
}

/// Where the records and this node do not agree.
#[derive(Default)]
struct Doubts {
    /// Legs that should live here and do not.
    strays: Vec<(LegView, String)>,
    /// Legs that are in a conference still and should not be.
    gone: Vec<(Room, String)>,
    /// A leg that lives here has no record.
    is_missing: bool,
}

/// Compares. What is on its way does not fit for a moment, so only what did not fit the last time either counts.
fn doubts(session: &Session) -> Doubts {
    let own = session.inner.node.as_str();
    let (mut here, mut talking, mut known) = (HashSet::new(), HashSet::new(), HashSet::new());
    {
        let shared = locked(&session.inner.shared);
        here.extend(shared.expected.iter().cloned());
        talking.extend(shared.expected.iter().cloned());
        for leg in shared.legs.values() {
            here.insert(leg.name.clone());
            talking.extend((!leg.media_ended).then(|| leg.name.clone()));
            known.extend((leg.is_known && !leg.handed_over).then(|| leg.name.clone()));
        }
    }
    let mut before = session.doubted.borrow_mut();
    let (mut doubts, mut doubted) = (Doubts::default(), HashSet::new());
    let mut is_old = |name: &str| {
        doubted.insert(name.to_owned());
        before.contains(name)
    };
    for call in session.calls.borrow().values() {
        for (name, leg) in call.legs.iter().filter(|(_, leg)| leg.node == own && leg.is_live()) {
            known.remove(name);
            if !here.contains(name) && is_old(name) {
                doubts.strays.push((leg.view.clone(), name.clone()));
            }
        }
    }
    for (key, conference) in session.conferences.borrow().iter() {
        let gone = conference.legs.iter().filter(|(name, node)| *node == own && !talking.contains(*name));
        for (name, _) in gone {
            if let (true, Some(room)) = (is_old(name), room_of(key)) {
                doubts.gone.push((room, name.clone()));
            }
        }
    }
    for name in known {
        doubts.is_missing |= is_old(&name);
    }
    *before = doubted;
    doubts
}

fn room_of(key: &str) -> Option<Room> {
    Room::parse(&bucket::name_of(kind::CONFERENCE, key)?).ok()
}

async fn forget_old_calls(session: &Session) {
    loop {
        let due = {
            let mut shared = locked(&session.inner.shared);
            let is_due = shared.to_forget.front().is_some_and(|(at, _)| *at <= Instant::now());
            if is_due { shared.to_forget.pop_front() } else { None }
        };
        let Some((_, key)) = due else { return };
        let forget = |call: &mut Option<CallRecord>| {
            if call.as_ref().is_some_and(|call| call.legs.is_empty()) {
                *call = None;
            }
        };
        // Otherwise the bucket's age limit does it.
        let _ = bucket::change(&session.link.bucket, &key, forget).await;
    }
}

/// A leg of a node that is lost, or that has handed it over.
struct Lost {
    key: String,
    name: String,
    leg: LegRecord,
    has_ended: bool,
}

async fn report_lost_nodes(session: &Session) {
    let mut nodes: HashSet<String> = HashSet::new();
    let mut reported: Vec<(Option<String>, Option<LostCall>)> = Vec::new();
    let lost = stream::iter(lost_legs(session));
    let mut reports =
        lost.map(async |lost| (report(session, &lost).await, lost.leg)).buffer_unordered(AT_ONCE);
    while let Some((report, leg)) = reports.next().await {
        let node = Some(leg.node).filter(|_| !leg.handed_over);
        nodes.extend(node.clone());
        // What fails is still there when it is looked for again, in a second.
        if let Ok(Some(call)) = report {
            reported.push((node, call));
        }
    }
    for node in &nodes {
        let legs = reported.iter().filter(|(of, _)| of.as_ref() == Some(node)).count() as u64;
        if legs > 0 {
            events::NodeLost { leg: None, node, legs }.emit();
        }
    }
    let calls: Vec<LostCall> = reported.into_iter().filter_map(|(_, call)| call).collect();
    if let Some(hook) = session.inner.on_calls_lost.get().filter(|_| !calls.is_empty()) {
        hook(calls);
    }
    leave_for_the_lost(session).await;
}

fn lost_legs(session: &Session) -> Vec<Lost> {
    let presence = session.presence.borrow();
    let may_take = !locked(&session.inner.shared).is_leaving;
    let is_due = |leg: &LegRecord| match &leg.lost_to {
        None if leg.handed_over => may_take && leg.node != session.inner.node,
        None => presence.is_lost(&leg.node),
        Some(reporter) => *reporter == session.inner.node || presence.is_lost(reporter),
    };
    let calls = session.calls.borrow();
    let legs = calls.iter().flat_map(|(key, call)| {
        let due = call.legs.iter().filter(|(_, leg)| is_due(leg));
        due.map(|(name, leg)| Lost {
            key: key.clone(),
            name: name.clone(),
            leg: leg.clone(),
            has_ended: call.ended,
        })
    });
    legs.collect()
}

/// Reports one leg; returns none if another node does, and the call if it goes on.
async fn report(session: &Session, lost: &Lost) -> Result<Option<Option<LostCall>>, String> {
    let Lost { key, name, leg, has_ended } = lost;
    let mark = |call: &mut Option<CallRecord>| {
        let is_lost = |node: &str| session.presence.borrow().is_lost(node);
        call.as_mut().is_some_and(|call| call.mark_lost(name, &session.inner.node, is_lost))
    };
    let is_ours = bucket::change(&session.link.bucket, key, mark).await;
    if !is_ours.map_err(|error| error.to_string())? {
        return Ok(None);
    }
    let told = session.told.borrow().get(name).cloned();
    let view = told.clone().unwrap_or_else(|| leg.view.clone());
    let news = |kind, reason: Option<&'static str>| {
        let (leg, view, at) = (name.clone(), view.clone(), Timestamp::now());
        Outgoing::new(Told { leg, kind, view, at, reason: reason.map(Into::into), interruption: None }, 0)
    };
    // A node that hands its legs over tells itself that they stop; should it die before it does, this is the same update.
    let reason = if leg.handed_over { LegExit::Shutdown.as_str() } else { NODE_LOST };
    if told.is_none() && !leg.handed_over {
        session.send(&news(UpdateKind::ConnectionStarted, None)).await?;
    }
    if told.is_some() || !leg.handed_over {
        session.send(&news(UpdateKind::ConnectionStopped, Some(reason))).await?;
    }
    if let Ok(room) = Room::parse(&view.room) {
        leave(session, &room, name).await.map_err(|error| error.to_string())?;
    }
    let remove = |call: &mut Option<CallRecord>| {
        if let Some(call) = call {
            call.legs.remove(name);
        }
    };
    bucket::change(&session.link.bucket, key, remove).await.map_err(|error| error.to_string())?;
    let call = CallSid::parse(&view.call_sid).ok().zip(Room::parse(&view.room).ok());
    Ok(Some(call.filter(|_| !has_ended).map(|(call_sid, room)| LostCall {
        call_sid,
        room,
        connection_id: view.connection_id.clone(),
        from: view.speaker.user_id.clone(),
    })))
}

async fn leave(session: &Session, room: &Room, name: &str) -> Result<(), BucketError> {
    let key = bucket::key(kind::CONFERENCE, room.as_str());
    let leave =
        |conference: &mut Option<ConferenceRecord>| ConferenceRecord::leave(conference, now(), name, true);
    bucket::change(&session.link.bucket, &key, leave).await
}

/// Of a leg whose node died while it began, or ended, only the place in its conference may be left.
async fn leave_for_the_lost(session: &Session) {
    let left: Vec<(Room, String)> = {
        let (presence, calls) = (session.presence.borrow(), session.calls.borrow());
        let has_record = |name: &String| calls.values().any(|call| call.legs.contains_key(name));
        let conferences = session.conferences.borrow();
        let legs = conferences.iter().flat_map(|(key, conference)| {
            let legs = conference.legs.iter();
            let lost = legs.filter(|(name, node)| presence.is_lost(node) && !has_record(name));
            lost.filter_map(|(name, _)| Some((room_of(key)?, name.clone())))
        });
        legs.collect()
    };
    for (room, name) in left {
        // What fails is still there when it is looked for again, in a second.
        let _ = leave(session, &room, &name).await;
    }
}
