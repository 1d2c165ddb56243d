//! The conversation that is going on in a room: its id, its members, its numbering. Pure.

use std::collections::HashMap;
use std::time::Duration;

use super::effect::{Audience, Effect, Returning, send};
use super::ids;
use super::pending::{Draft, Handed, Pending, TaskNumber};
use super::results::{self, Published};
use super::saying::{self, Saying};
use super::transcript::{Anchor, FinalWords};
use super::wishes::Wishes;
use crate::engine::analysis::{Answer, Ask};
use crate::engine::insight::analyst::{SentenceFindings, TopicFound, TrackerHit};
use crate::engine::insight::intents::IntentKind;
use crate::engine::insight::redaction::Redactor;
use crate::engine::insight::sentiment;
use crate::engine::llm::notes::Wants;
use crate::engine::store::record::{ConversationRecord, InsightRecord, MemberRecord, Record};
use crate::engine::store::view::OpenConversation;
use crate::symbl::client_message::StartRequest;
use crate::symbl::server_message::{
    ConversationRef, EntityResponse, InsightResponse, MessageResponse, ServerMessage, TopicResponse,
    TrackerMatches, TrackerResponse, User,
};

/// Topics are told anew after so many messages, and at the end.
const MESSAGES_BETWEEN_TOPICS: u64 = 6;

/// The conversation that is going on.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: String,
    connection_id: String,
    /// What stands in the store.
    written: Option<ConversationRecord>,
    pub(super) began_at_ms: i64,
    pub(super) heard_at_ms: i64,
    /// By `userId`, those without one by id: who comes back is the same member.
    members: HashMap<String, User>,
    /// Member ids; the place is the number that the redactor knows a speaker by.
    speakers: Vec<String>,
    pub(super) wishes: Wishes,
    redactor: Redactor,
    pub(super) pending: Pending,
    sent: Sent,
    /// Whether anything was said that nothing was hidden of.
    said_openly: bool,
    timezone_offset: i64,
    /// Messages since topics were last asked for.
    since_topics: u64,
    pub(super) no_connection_timeout: Duration,
    pub(super) returning: Option<Returning>,
    pub(super) last_end: End,
}

/// How many messages of each type this conversation has seen (`sequenceNumber`).
#[derive(Debug, Default)]
struct Sent {
    sentences: u64,
    messages: u64,
    insights: u64,
    trackers: u64,
    entities: u64,
}

/// A conversation that a restart interrupted.
#[derive(Debug, Clone, PartialEq)]
pub struct Interrupted {
    /// What the store knows of it.
    pub conversation: OpenConversation,
    /// Its newest messages: id, text, polarity.
    pub messages: Vec<(String, String, f64)>,
}

/// How the last active leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Stopped,
    Dropped,
}

/// Who speaks on a leg.
#[derive(Debug, Clone, Default)]
pub(super) struct Voice {
    pub(super) user: User,
    /// Whether the client named the speaker; without a name messages are from nobody.
    pub(super) is_named: bool,
}

impl Live {
    pub(super) fn begin(connection_id: &str, now_ms: i64) -> Self {
        Self {
            id: ids::sixteen_digits(),
            connection_id: connection_id.to_owned(),
            written: None,
            began_at_ms: now_ms,
            heard_at_ms: now_ms,
            members: HashMap::new(),
            speakers: Vec::new(),
            wishes: Wishes::default(),
            redactor: Redactor::default(),
            pending: Pending::default(),
            sent: Sent::default(),
            said_openly: false,
            timezone_offset: 0,
            since_topics: 0,
            no_connection_timeout: Duration::ZERO,
            returning: None,
            last_end: End::Stopped,
        }
    }

    /// Goes on where a restart interrupted it.
    pub(super) fn go_on(before: &OpenConversation, now_ms: i64) -> Self {
        let record = &before.record;
        let user = |member: &MemberRecord| User {
            user_id: member.user_id.clone(),
            name: member.name.clone(),
            id: member.id.clone(),
        };
        let key = |member: &MemberRecord| match member.user_id.as_str() {
            "" => member.id.clone(),
            user_id => user_id.to_owned(),
        };
        let members = before.members.iter().map(|member| (key(member), user(member)));
        Self {
            id: record.id.clone(),
            written: Some(record.clone()),
            began_at_ms: record.start_ms,
            heard_at_ms: before.last_message_end_ms.unwrap_or(record.start_ms),
            members: members.collect(),
            wishes: Wishes { title: Some(record.name.clone()), ..Wishes::default() },
            sent: Sent { sentences: before.next_sequence, ..Sent::default() },
            ..Self::begin(&record.connection_id, now_ms)
        }
    }

    /// Returns when somebody was last heard.
    pub(super) fn ended_at_ms(&self) -> i64 {
        self.heard_at_ms.max(self.began_at_ms)
    }

    /// Returns how the conversation is written down, unless it stands like that already: one that was deleted meanwhile
    /// must not come back with the next leg.
    pub(super) fn changed_record(&mut self) -> Option<Record> {
        let record = ConversationRecord {
            id: self.id.clone(),
            connection_id: self.connection_id.clone(),
            name: self.wishes.title.clone().unwrap_or_else(|| "Untitled".to_owned()),
            start_ms: self.began_at_ms,
            end_ms: None,
            no_connection_timeout_ms: i64::try_from(self.no_connection_timeout.as_millis())
                .unwrap_or(i64::MAX),
        };
        let is_new = self.written.as_ref() != Some(&record);
        self.written = Some(record.clone());
        is_new.then_some(Record::Began(record))
    }

    pub(super) fn created(&self) -> ServerMessage {
        ServerMessage::ConversationCreated(ConversationRef { conversation_id: self.id.clone() })
    }

    /// Returns who speaks on a leg after a start request; `before` is who spoke on it until now.
    pub(super) fn voice(&mut self, request: &StartRequest, before: &Voice) -> Voice {
        // A repeated start by the same user, or by nobody in particular, does not make another person of the leg.
        let same_id = || Some(before.user.id.clone()).filter(|id| !id.is_empty());
        let Some(speaker) = &request.speaker else {
            let id = same_id().unwrap_or_else(ids::member);
            let user = User { id, ..before.user.clone() };
            return Voice { user, ..*before };
        };
        let is_same = before.user.user_id == speaker.user_id;
        let user = User {
            user_id: speaker.user_id.clone(),
            name: speaker.name.clone(),
            id: same_id().filter(|_| is_same).unwrap_or_else(ids::member),
        };
        let user = if speaker.user_id.is_empty() {
            user
        } else {
            let member = self.members.entry(speaker.user_id.clone()).or_insert(user);
            member.name.clone_from(&speaker.name);
            member.clone()
        };
        Voice { user, is_named: true }
    }

    /// Returns how a member is written down, if somebody named them.
    pub(super) fn member_record(&self, voice: &Voice) -> Option<Record> {
        voice.is_named.then(|| Record::Member {
            conversation_id: self.id.clone(),
            member: MemberRecord {
                id: voice.user.id.clone(),
                name: voice.user.name.clone(),
                user_id: voice.user.user_id.clone(),
            },
        })
    }

    /// Makes somebody a member who has a name and no user id.
    pub(super) fn add_member(&mut self, voice: &Voice) {
        self.members.insert(voice.user.id.clone(), voice.user.clone());
    }

    /// Returns the other member, if there are two.
    pub(super) fn other_than(&self, member_id: &str) -> Option<User> {
        let others = || self.members.values().filter(|user| user.id != member_id);
        (self.members.len() == 2 && others().count() == 1).then(|| others().next().cloned())?
    }

    /// Returns the member whose name has this word in it.
    pub(super) fn member_named(&self, name: &str) -> Option<User> {
        let bears = |user: &&User| user.name.split_whitespace().any(|word| word.eq_ignore_ascii_case(name));
        self.members.values().find(bears).cloned()
    }

    /// Returns what may leave of a phrase.
    pub(super) fn say(&mut self, voice: &Voice, heard: &FinalWords, anchor: Anchor) -> Saying {
        let speaker = self.speaker(voice);
        self.said_openly |= self.wishes.redaction.is_none();
        let findings = self.redactor.finished(speaker, anchor.unix_ms(heard.end_ms), &heard.punctuated);
        saying::saying(heard, &findings, self.wishes.redaction.as_deref())
    }

    /// Returns what may be shown of words that may still change.
    pub(super) fn say_early(&mut self, voice: &Voice, text: String, at_ms: i64) -> String {
        let speaker = self.speaker(voice);
        match &self.wishes.redaction {
            Some(replacement) => {
                saying::interim(&text, &self.redactor.unfinished(speaker, at_ms, &text), replacement)
            }
            None => text,
        }
    }

    /// Has the sentences of a phrase judged.
    pub(super) fn hand_over(
        &mut self,
        saying: Saying,
        anchor: Anchor,
        voice: &Voice,
        timezone_offset: i64,
    ) -> Effect {
        let (number, texts) = self.draft(saying, anchor, voice, timezone_offset);
        Effect::Judge(number, Ask::Sentences(texts))
    }

    /// Remembers the sentences of a phrase until they have been judged; returns their ids and texts.
    pub(super) fn draft(
        &mut self,
        saying: Saying,
        anchor: Anchor,
        voice: &Voice,
        timezone_offset: i64,
    ) -> (TaskNumber, Vec<(String, String)>) {
        self.timezone_offset = timezone_offset;
        let drafts: Vec<Draft> = saying
            .sentences
            .into_iter()
            .map(|sentence| Draft {
                id: ids::sixteen_digits(),
                sentence,
                anchor,
                voice: voice.clone(),
                timezone_offset,
            })
            .collect();
        let texts = drafts.iter().map(|draft| (draft.id.clone(), draft.sentence.words.punctuated.clone()));
        let texts = texts.collect();
        (self.pending.push(Handed::Sentences(drafts)), texts)
    }

    /// Asks what the conversation has been about, if it has gone on since that was last asked.
    pub(super) fn ask_for_topics(&mut self) -> Option<Effect> {
        if self.since_topics == 0 {
            return None;
        }
        self.since_topics = 0;
        Some(Effect::Judge(self.pending.push(Handed::Topics), Ask::Topics))
    }

    /// An answer came: returns everything that may leave now, in the order in which it was said.
    pub(super) fn judged(&mut self, number: TaskNumber, answer: Answer) -> Vec<Effect> {
        self.pending.answered(number, answer);
        self.publish()
    }

    /// Waits for no answer any longer.
    pub(super) fn give_up_waiting(&mut self) -> Vec<Effect> {
        self.pending.give_up();
        self.publish()
    }

    /// Returns a tracker response of words that may still change.
    pub(super) fn seen_early(&mut self, text: &str, hits: &[TrackerHit]) -> Option<Effect> {
        let trackers = results::early_trackers(text, hits);
        (!trackers.is_empty()).then(|| self.tracker_response(false, trackers))
    }

    /// Returns what a second opinion has to know.
    pub(super) fn wants(&self) -> Wants {
        let kinds = [IntentKind::Question, IntentKind::ActionItem, IntentKind::FollowUp];
        Wants {
            kinds: kinds
                .into_iter()
                .filter(|kind| self.wishes.want(results::wire_type(*kind), 1.0))
                .collect(),
            threshold: self.wishes.confidence_threshold.unwrap_or_default(),
            is_redacted: !self.said_openly,
            timezone_offset: self.timezone_offset,
        }
    }

    /// Returns what is sent of insights that somebody else found afterwards.
    pub(super) fn suggested(&mut self, found: &[InsightRecord]) -> Effect {
        let by_id = |id: &Option<String>| self.members.values().find(|user| Some(&user.id) == id.as_ref());
        let insights = found
            .iter()
            .map(|it| results::suggested(it, by_id(&it.from_id), by_id(&it.assignee_id)))
            .collect();
        let sequence_number = next(&mut self.sent.insights);
        let response = ServerMessage::InsightResponse(InsightResponse { insights, sequence_number });
        send(Audience::Everyone, response)
    }

    fn speaker(&mut self, voice: &Voice) -> u64 {
        let known = self.speakers.iter().position(|id| *id == voice.user.id);
        let place = known.unwrap_or_else(|| {
            self.speakers.push(voice.user.id.clone());
            self.speakers.len() - 1
        });
        place as u64
    }

    fn publish(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((handed, answer)) = self.pending.next_answered() {
            match (handed, answer) {
                (Handed::Sentences(drafts), Answer::Sentences(findings)) => {
                    effects.extend(self.publish_sentences(drafts.into_iter().zip(findings).collect()));
                }
                (Handed::Sentences(drafts), _) => {
                    let unjudged = |draft: Draft| {
                        let polarity = sentiment::polarity(&draft.sentence.words.punctuated);
                        (draft, SentenceFindings { polarity, ..SentenceFindings::default() })
                    };
                    effects.extend(self.publish_sentences(drafts.into_iter().map(unjudged).collect()));
                }
                (Handed::Topics, Answer::Topics(topics)) => effects.extend(self.publish_topics(topics)),
                (Handed::Topics, _) => {}
            }
        }
        if self.since_topics >= MESSAGES_BETWEEN_TOPICS {
            effects.extend(self.ask_for_topics());
        }
        effects
    }

    /// The message comes first, then whatever refers to it (2.7).
    fn publish_sentences(&mut self, judged: Vec<(Draft, SentenceFindings)>) -> Vec<Effect> {
        let (mut messages, mut insights) = (Vec::new(), Vec::new());
        let (mut trackers, mut entities, mut effects) = (Vec::new(), Vec::new(), Vec::new());
        for (draft, findings) in judged {
            let published = results::publish(self, draft, &findings, self.sent.sentences);
            self.sent.sentences += 1;
            self.since_topics += 1;
            let Published { message, insights: found, trackers: hits, entities: named, records } = published;
            effects.extend(records.into_iter().map(Effect::Record));
            messages.push(message);
            insights.extend(found);
            results::join_trackers(&mut trackers, hits);
            entities.extend(named);
        }
        if messages.is_empty() {
            return effects;
        }
        let response = MessageResponse {
            messages,
            sequence_number: next(&mut self.sent.messages),
            sentiment: self.wishes.sentiment,
        };
        effects.push(send(Audience::Everyone, ServerMessage::MessageResponse(response)));
        if !insights.is_empty() {
            let sequence_number = next(&mut self.sent.insights);
            let response = ServerMessage::InsightResponse(InsightResponse { insights, sequence_number });
            effects.push(send(Audience::Everyone, response));
        }
        if !trackers.is_empty() {
            effects.push(self.tracker_response(true, trackers));
        }
        if !entities.is_empty() {
            let sequence_number = next(&mut self.sent.entities);
            let response = ServerMessage::EntityResponse(EntityResponse { entities, sequence_number });
            effects.push(send(Audience::Everyone, response));
        }
        effects
    }

    fn publish_topics(&self, found: Vec<TopicFound>) -> Vec<Effect> {
        if found.is_empty() {
            return Vec::new();
        }
        let topics = results::topics(&found, self.wishes.sentiment);
        let record = results::topics_record(&self.id, found);
        let response = ServerMessage::TopicResponse(TopicResponse { topics });
        vec![Effect::Record(record), send(Audience::Everyone, response)]
    }

    fn tracker_response(&mut self, is_final: bool, trackers: Vec<TrackerMatches>) -> Effect {
        let sequence_number = next(&mut self.sent.trackers);
        let response = TrackerResponse { is_final, trackers, sequence_number };
        send(Audience::Everyone, ServerMessage::TrackerResponse(response))
    }
}

fn next(counter: &mut u64) -> u64 {
    let number = *counter;
    *counter += 1;
    number
}
