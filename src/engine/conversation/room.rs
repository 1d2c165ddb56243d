//! The rules of a conversation: who is in it, who hears what, when it ends (`symbl-protocol` 2.7, 2.9, 3). Pure.
//!
//! A room outlives its conversations: when the last leg has stopped the conversation is finalised, and the next start
//! on the same connection id begins another. Each method takes what happened and returns what to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::effect::{AfterStop, Audience, EarNumber, Effect, Returning, TaskNumber, send};
use super::ids::{self, SocketId};
use super::live::{End, Interrupted, Live, Voice};
use super::transcript::{self, Anchor, FinalWords};
use crate::engine::analysis::{Answer, Ask};
use crate::engine::hearing::Heard;
use crate::engine::insight::analyst::TrackerHit;
use crate::engine::llm::notes::Wants;
use crate::engine::store::record::{InsightRecord, Record};
use crate::symbl::client_message::StartRequest;
use crate::symbl::server_message::{
    ConversationCompleted, ConversationRef, RecognitionResult, ServerMessage,
};
use crate::ws::CloseCode;

/// All sockets of one connection id.
#[derive(Debug, Default)]
pub struct Room {
    connection_id: String,
    live: Option<Live>,
    legs: BTreeMap<SocketId, Leg>,
    /// With the time when they came.
    subscribers: BTreeMap<SocketId, i64>,
    waits: u64,
    is_draining: bool,
}

#[derive(Debug, Default)]
struct Leg {
    is_connected: bool,
    request: Option<Arc<StartRequest>>,
    voice: Voice,
    /// Ears that may still say something.
    ears: BTreeSet<EarNumber>,
    newest_ear: EarNumber,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Not started yet.
    #[default]
    Open,
    Listening,
    /// Stopped; the recogniser still has words.
    Flushing {
        then: AfterStop,
    },
    /// Stopped, acknowledged, may start again.
    Paused,
    /// Stopped, acknowledged, the socket is being closed.
    Leaving,
}

impl Room {
    /// Returns the empty room of a connection id.
    pub fn new(connection_id: &str) -> Self {
        Self { connection_id: connection_id.to_owned(), ..Self::default() }
    }

    /// Goes on with a conversation that a restart of the engine interrupted, as if its legs had just been dropped:
    /// they may come back for as long as they asked for, and at least for `grace`. With a conversation going on here that
    /// one has ended.
    pub fn resume(&mut self, before: Interrupted, grace: Duration, now_ms: i64) -> Vec<Effect> {
        let asked_for = before.conversation.record.no_connection_timeout_ms;
        let asked_for = Duration::from_millis(u64::try_from(asked_for).unwrap_or(0));
        let mut live = Live::go_on(&before.conversation, now_ms);
        live.no_connection_timeout = asked_for.max(grace);
        live.last_end = End::Dropped;
        if let Some(going_on) = &self.live {
            // Somebody was faster: there is one conversation here, and the other has ended when it was last heard of.
            let is_the_same = going_on.id == live.id;
            let end_ms = live.ended_at_ms();
            let ended = Effect::Record(Record::Ended { conversation_id: live.id, end_ms });
            return if is_the_same { Vec::new() } else { vec![ended] };
        }
        let mut effects =
            vec![Effect::Began(live.id.clone()), Effect::Remember(Ask::Remember(before.messages))];
        if !self.subscribers.is_empty() {
            effects.push(send(Audience::Subscribers, live.created()));
        }
        self.live = Some(live);
        effects.extend(self.settle());
        effects
    }

    /// A leg's socket opened.
    pub fn leg_joined(&mut self, leg: SocketId) -> Vec<Effect> {
        if self.is_draining {
            return vec![close(Audience::One(leg), CloseCode::Away, "shutting down", false)];
        }
        self.legs.insert(leg, Leg { is_connected: true, ..Leg::default() });
        Vec::new()
    }

    /// A subscriber's socket opened.
    pub fn subscriber_joined(&mut self, subscriber: SocketId, now_ms: i64) -> Vec<Effect> {
        if self.is_draining {
            return vec![close(Audience::One(subscriber), CloseCode::Away, "shutting down", false)];
        }
        self.subscribers.insert(subscriber, now_ms);
        let created = self.live.as_ref().map(|live| live.created());
        created.map(|created| send(Audience::One(subscriber), created)).into_iter().collect()
    }

    /// A leg asked to start, for the first time or again. `ear` is the new ear that listens to it, if there is one.
    pub fn leg_started(
        &mut self,
        id: SocketId,
        request: Arc<StartRequest>,
        ear: Option<EarNumber>,
        now_ms: i64,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.legs.get(&id).is_some_and(|leg| matches!(leg.phase, Phase::Flushing { .. })) {
            // It starts before its stop was answered: answer first.
            effects.extend(self.acknowledge_stop(id));
        }
        let Some(leg) = self.legs.get_mut(&id) else {
            return effects;
        };
        let live = self.live.get_or_insert_with(|| {
            let live = Live::begin(&self.connection_id, now_ms);
            effects.push(Effect::Began(live.id.clone()));
            effects.push(send(Audience::Subscribers, live.created()));
            live
        });
        live.returning = None;
        live.no_connection_timeout = live.no_connection_timeout.max(request.no_connection_timeout);
        live.wishes.add(&request);
        effects.extend(live.changed_record().map(Effect::Record));
        let (wishes, all) = (live.wishes.trackers.clone(), live.wishes.all_trackers);
        effects.push(Effect::Watch { wishes, all });
        leg.voice = live.voice(&request, &leg.voice);
        effects.extend(live.member_record(&leg.voice).map(Effect::Record));
        leg.request = Some(request);
        leg.phase = Phase::Listening;
        if let Some(ear) = ear {
            leg.ears.insert(ear);
            leg.newest_ear = leg.newest_ear.max(ear);
        }
        let conversation = ConversationRef { conversation_id: live.id.clone() };
        for acknowledgement in [
            ServerMessage::StartedListening,
            ServerMessage::ConversationCreated(conversation.clone()),
            ServerMessage::RecognitionStarted(conversation),
        ] {
            effects.push(send(Audience::One(id), acknowledgement));
        }
        effects
    }

    /// A leg in mid-stream got another ear, because its audio format changed.
    pub fn ear_changed(&mut self, id: SocketId, ear: EarNumber) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.ears.insert(ear);
            leg.newest_ear = leg.newest_ear.max(ear);
        }
    }

    /// An ear made something out.
    pub fn heard(
        &mut self,
        id: SocketId,
        ear: EarNumber,
        anchor: Anchor,
        heard: Heard,
        now_ms: i64,
    ) -> Vec<Effect> {
        let (Some(leg), Some(live)) = (self.legs.get_mut(&id), self.live.as_mut()) else {
            return Vec::new();
        };
        if !leg.ears.contains(&ear) {
            return Vec::new();
        }
        live.heard_at_ms = now_ms;
        let to = Audience::LegAndSubscribers(id);
        match heard {
            Heard::Partial { text, end_ms, .. } => {
                let is_wanted =
                    leg.request.as_ref().is_some_and(|r| r.speech.interim_results.unwrap_or(true));
                // The words of an ear that has been replaced come as final ones only.
                if !is_wanted
                    || text.trim().is_empty()
                    || ear != leg.newest_ear
                    || leg.phase != Phase::Listening
                {
                    return Vec::new();
                }
                let text = live.say_early(&leg.voice, text, anchor.unix_ms(end_ms));
                if text.is_empty() {
                    return Vec::new();
                }
                let look = live.wishes.interim_trackers.then(|| Effect::LookEarly(text.clone()));
                let result = transcript::interim_result(text, end_ms, anchor, leg.voice.user.clone());
                std::iter::once(send(to, recognition_result(result))).chain(look).collect()
            }
            Heard::Final { punctuated, .. } if punctuated.trim().is_empty() => Vec::new(),
            Heard::Final { transcript, punctuated, words, confidence, start_ms, end_ms } => {
                let words = FinalWords { transcript, punctuated, words, confidence, start_ms, end_ms };
                let saying = live.say(&leg.voice, &words, anchor);
                let result = transcript::final_result(&saying.words, anchor, leg.voice.user.clone());
                let timezone_offset = leg.request.as_ref().map_or(0, |request| request.timezone_offset);
                let judge = live.hand_over(saying, anchor, &leg.voice, timezone_offset);
                // Words do not wait for what they mean.
                vec![send(to, recognition_result(result)), judge]
            }
            Heard::Done => self.ear_done(id, ear),
        }
    }

    /// Sentences have been judged, or cannot be.
    pub fn judged(&mut self, number: TaskNumber, answer: Answer) -> Vec<Effect> {
        let Some(live) = self.live.as_mut() else {
            return Vec::new();
        };
        let effects = live.judged(number, answer);
        let is_all_judged = live.pending.is_empty();
        let mut effects = self.addressed(effects);
        if is_all_judged {
            // Legs may be waiting to go.
            let silent: Vec<_> =
                self.legs.iter().filter(|(_, leg)| leg.ears.is_empty()).map(|(id, _)| *id).collect();
            effects.extend(silent.into_iter().flat_map(|id| self.after_last_ear(id)));
        }
        effects
    }

    /// Trackers were found in words that may still change.
    pub fn seen_early(&mut self, text: &str, hits: &[TrackerHit]) -> Vec<Effect> {
        self.live.as_mut().and_then(|live| live.seen_early(text, hits)).into_iter().collect()
    }

    /// Returns what a second opinion on the conversation has to know.
    pub fn wants(&self) -> Option<Wants> {
        self.live.as_ref().map(Live::wants)
    }

    /// Somebody else found insights, and wrote them down; those of a conversation that is over are not sent.
    pub fn suggested(&mut self, conversation_id: &str, found: &[InsightRecord]) -> Vec<Effect> {
        let live = self.live.as_mut().filter(|live| live.id == conversation_id);
        live.map(|live| live.suggested(found)).into_iter().collect()
    }

    /// A leg wants entities from now on, or no longer; others may still want them.
    pub fn entities_wanted(&mut self, is_wanted: bool) {
        if let Some(live) = self.live.as_mut().filter(|_| is_wanted) {
            live.wishes.entities = true;
        }
    }

    /// A leg stopped. Its ears have been told to finish.
    pub fn leg_stopped(&mut self, id: SocketId, then: AfterStop) -> Vec<Effect> {
        let Some(leg) = self.legs.get_mut(&id) else {
            return Vec::new();
        };
        match leg.phase {
            Phase::Leaving => Vec::new(),
            Phase::Flushing { .. } => {
                leg.phase = Phase::Flushing { then };
                Vec::new()
            }
            Phase::Open | Phase::Paused => {
                leg.phase = Phase::Flushing { then };
                self.acknowledge_stop(id)
            }
            Phase::Listening => {
                leg.phase = Phase::Flushing { then };
                let mut effects = vec![Effect::AwaitFlush(id, leg.newest_ear)];
                if leg.ears.is_empty() {
                    effects.extend(self.after_last_ear(id));
                }
                effects
            }
        }
    }

    /// The recogniser's time for the last words of a leg is over.
    pub fn flush_expired(&mut self, id: SocketId, ear: EarNumber) -> Vec<Effect> {
        let Some(leg) = self.legs.get_mut(&id) else {
            return Vec::new();
        };
        if leg.newest_ear != ear || leg.phase == Phase::Listening && leg.is_connected {
            return Vec::new();
        }
        if !matches!(leg.phase, Phase::Listening | Phase::Flushing { .. }) {
            return Vec::new();
        }
        leg.ears.clear();
        let effects = self.live.as_mut().map(Live::give_up_waiting).unwrap_or_default();
        let mut effects = self.addressed(effects);
        effects.extend(self.leave_or_acknowledge(id));
        effects
    }

    /// A socket is gone, leg or subscriber, whatever the reason.
    pub fn socket_gone(&mut self, id: SocketId) -> Vec<Effect> {
        if self.subscribers.remove(&id).is_some() {
            return Vec::new();
        }
        let Some(leg) = self.legs.get_mut(&id) else {
            return Vec::new();
        };
        leg.is_connected = false;
        match leg.phase {
            Phase::Open | Phase::Leaving => {
                self.legs.remove(&id);
                self.settle()
            }
            Phase::Paused => self.leave(id, End::Stopped),
            // A client that closes right behind its stop_request has stopped all the same.
            Phase::Listening | Phase::Flushing { .. } if leg.ears.is_empty() => self.after_last_ear(id),
            Phase::Listening | Phase::Flushing { .. } => vec![Effect::AwaitFlush(id, leg.newest_ear)],
        }
    }

    /// Nobody came back in time.
    pub fn return_expired(&mut self, returning: Returning) -> Vec<Effect> {
        match &self.live {
            Some(live) if live.returning == Some(returning) => self.finalise(),
            _ => Vec::new(),
        }
    }

    /// Ends a conversation in which nobody has been heard for `idle` although somebody listens, and sends away
    /// subscribers that have waited as long for a conversation.
    pub fn check_idle(&mut self, idle: Duration, now_ms: i64) -> Vec<Effect> {
        let idle_ms = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        let is_long_ago = |then_ms: i64| now_ms.saturating_sub(then_ms) >= idle_ms;
        let has_ears = self.legs.values().any(|leg| !leg.ears.is_empty());
        match &mut self.live {
            Some(live) if has_ears && is_long_ago(live.heard_at_ms) => {
                live.heard_at_ms = now_ms;
                self.legs.keys().map(|id| Effect::EndLeg(*id, AfterStop::Close)).collect()
            }
            Some(_) => Vec::new(),
            None => {
                let waiting = self.subscribers.iter();
                waiting
                    .filter(|(_, joined_ms)| is_long_ago(**joined_ms))
                    .map(|(id, _)| close(Audience::One(*id), CloseCode::Normal, "no conversation", false))
                    .collect()
            }
        }
    }

    /// The engine goes down: every leg is stopped in order, whoever only waits is sent away.
    pub fn drain(&mut self) -> Vec<Effect> {
        self.is_draining = true;
        let mut effects: Vec<_> = self
            .legs
            .iter()
            .filter(|(_, leg)| leg.is_connected)
            .map(|(id, leg)| match leg.phase {
                Phase::Listening | Phase::Flushing { .. } => Effect::EndLeg(*id, AfterStop::GoAway),
                _ => close(Audience::One(*id), CloseCode::Away, "shutting down", false),
            })
            .collect();
        effects.extend(self.settle());
        if self.live.is_none() {
            effects.push(close(Audience::Subscribers, CloseCode::Away, "shutting down", false));
        }
        effects
    }

    /// Returns whether nothing is left that this room has to remember.
    pub fn is_empty(&self) -> bool {
        self.live.is_none() && self.legs.is_empty() && self.subscribers.is_empty()
    }

    /// Returns the sockets of an audience.
    pub fn sockets(&self, audience: Audience) -> Vec<SocketId> {
        let subscribers = self.subscribers.keys().copied();
        match audience {
            Audience::One(id) => vec![id],
            Audience::LegAndSubscribers(id) => std::iter::once(id).chain(subscribers).collect(),
            Audience::Everyone => self.listening_legs().chain(subscribers).collect(),
            Audience::Subscribers => subscribers.collect(),
            Audience::These(ids) => ids.to_vec(),
        }
    }

    /// Writes on what is for everyone who everyone is now, before anybody is let go.
    fn addressed(&self, mut effects: Vec<Effect>) -> Vec<Effect> {
        for effect in &mut effects {
            if let Effect::Send { to: to @ Audience::Everyone, .. } = effect {
                *to = Audience::These(self.sockets(Audience::Everyone).into());
            }
        }
        effects
    }

    /// Legs that belong to the conversation: they have started and are not on their way out.
    fn listening_legs(&self) -> impl Iterator<Item = SocketId> {
        let belongs = |leg: &Leg| leg.is_connected && !matches!(leg.phase, Phase::Open | Phase::Leaving);
        self.legs.iter().filter(move |(_, leg)| belongs(leg)).map(|(id, _)| *id)
    }

    fn ear_done(&mut self, id: SocketId, ear: EarNumber) -> Vec<Effect> {
        let Some(leg) = self.legs.get_mut(&id) else {
            return Vec::new();
        };
        leg.ears.remove(&ear);
        if leg.ears.is_empty() { self.after_last_ear(id) } else { Vec::new() }
    }

    /// Nothing more comes from a leg's ears. Before it goes, whatever was said is judged: the conversation's
    /// completion is the last word about it.
    fn after_last_ear(&mut self, id: SocketId) -> Vec<Effect> {
        let is_going = self.legs.get(&id).is_some_and(|leg| {
            matches!(leg.phase, Phase::Flushing { .. }) || leg.phase == Phase::Listening && !leg.is_connected
        });
        let Some(live) = self.live.as_mut().filter(|_| is_going) else {
            return self.leave_or_acknowledge(id);
        };
        match live.ask_for_topics() {
            Some(ask) => vec![ask],
            None if !live.pending.is_empty() => Vec::new(),
            None => self.leave_or_acknowledge(id),
        }
    }

    /// Answers a leg's stop, or lets go of it when its socket is gone.
    fn leave_or_acknowledge(&mut self, id: SocketId) -> Vec<Effect> {
        let Some(leg) = self.legs.get(&id) else {
            return Vec::new();
        };
        match (leg.phase, leg.is_connected) {
            (Phase::Flushing { .. }, true) => self.acknowledge_stop(id),
            (Phase::Flushing { .. }, false) => self.leave(id, End::Stopped),
            (Phase::Listening, false) => self.leave(id, End::Dropped),
            _ => Vec::new(),
        }
    }

    /// `conversation_completed` strictly before `recognition_stopped`: the other order hangs JS clients for ever.
    fn acknowledge_stop(&mut self, id: SocketId) -> Vec<Effect> {
        let Some(leg) = self.legs.get_mut(&id) else {
            return Vec::new();
        };
        let then = match leg.phase {
            Phase::Flushing { then } => then,
            _ => AfterStop::Close,
        };
        let was_started = leg.request.is_some();
        let conversation_id = self.live.as_ref().map_or_else(ids::sixteen_digits, |live| live.id.clone());
        let mut effects = vec![send(Audience::One(id), completed(conversation_id))];
        if was_started {
            effects.push(send(Audience::One(id), ServerMessage::RecognitionStopped));
        }
        if let Some(live) = self.live.as_mut().filter(|_| was_started) {
            live.last_end = End::Stopped;
        }
        match then {
            AfterStop::Pause => {
                leg.phase = Phase::Paused;
                return effects;
            }
            AfterStop::Close => effects.push(close(Audience::One(id), CloseCode::Normal, "completed", true)),
            AfterStop::GoAway => {
                effects.push(close(Audience::One(id), CloseCode::Away, "shutting down", false));
            }
        }
        leg.phase = Phase::Leaving;
        effects.extend(self.settle());
        effects
    }

    fn leave(&mut self, id: SocketId, end: End) -> Vec<Effect> {
        self.legs.remove(&id);
        if let Some(live) = &mut self.live {
            live.last_end = end;
        }
        self.settle()
    }

    /// Finalises the conversation if no leg keeps it alive, or begins to wait for one that dropped.
    fn settle(&mut self) -> Vec<Effect> {
        let is_kept = self.legs.values().any(|leg| !matches!(leg.phase, Phase::Open | Phase::Leaving));
        let Some(live) = self.live.as_mut().filter(|_| !is_kept) else {
            return Vec::new();
        };
        if live.returning.is_some() && !self.is_draining {
            return Vec::new();
        }
        let patience = live.no_connection_timeout;
        if live.last_end == End::Dropped && !patience.is_zero() && !self.is_draining {
            self.waits += 1;
            let returning = Returning(self.waits);
            live.returning = Some(returning);
            return vec![Effect::AwaitReturn(returning, patience)];
        }
        self.finalise()
    }

    fn finalise(&mut self) -> Vec<Effect> {
        let Some(mut live) = self.live.take() else {
            return Vec::new();
        };
        let (code, why) = if self.is_draining {
            (CloseCode::Away, "shutting down")
        } else {
            (CloseCode::Normal, "conversation completed")
        };
        let mut effects = self.addressed(live.give_up_waiting());
        let end_ms = live.ended_at_ms();
        effects.push(Effect::Record(Record::Ended { conversation_id: live.id.clone(), end_ms }));
        // The next conversation on this id is for those who subscribe again.
        for subscriber in std::mem::take(&mut self.subscribers).into_keys() {
            let to = Audience::One(subscriber);
            effects.push(send(to.clone(), completed(live.id.clone())));
            effects.push(close(to, code, why, false));
        }
        effects.push(Effect::Finalised(live.id));
        effects
    }
}

fn close(to: Audience, code: CloseCode, why: &'static str, has_grace: bool) -> Effect {
    Effect::Close { to, code, why, has_grace }
}

fn recognition_result(result: RecognitionResult) -> ServerMessage {
    ServerMessage::RecognitionResult(Box::new(result))
}

fn completed(conversation_id: String) -> ServerMessage {
    ServerMessage::ConversationCompleted(ConversationCompleted {
        conversation_id: conversation_id.clone(),
        summary_url: String::new(),
        data: Some(ConversationRef { conversation_id }),
    })
}

#[cfg(test)]
mod tests;
