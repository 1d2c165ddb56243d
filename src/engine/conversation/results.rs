//! What was found in a sentence, as messages for clients (`symbl-protocol` 2.6.5 to 2.6.9) and as records for the
//! store. Pure.

use serde_json::{Value, json};

use super::live::Live;
use super::pending::Draft;
use super::saying::FoundEntity;
use super::transcript;
use crate::engine::insight::analyst::{SentenceFindings, TopicFound, TrackerHit};
use crate::engine::insight::due::{self, Due};
use crate::engine::insight::intents::{Assignee, Intent, IntentKind};
use crate::engine::insight::sentiment;
use crate::engine::iso;
use crate::engine::store::record::{
    EntityRecord, InsightRecord, MessageRecord, Record, TopicRecord, TrackerMatchRecord, WordRecord,
};
use crate::symbl::client_message::InsightType;
use crate::symbl::server_message::{
    Content, DueBy, Entity, EntityMatch, EntityMessageRef, EntityValue, Hint, IdRef, Insight, MatchRef,
    Message, MessageEntity, Polarity, RootWord, Sentiment, Topic, TopicMessageRef, TrackerMatch,
    TrackerMatches, User,
};

/// Everything that one sentence leads to.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) message: Message,
    pub(super) insights: Vec<Insight>,
    pub(super) trackers: Vec<TrackerMatches>,
    pub(super) entities: Vec<Entity>,
    pub(super) records: Vec<Record>,
}

/// Returns the messages and records of a judged sentence; `sequence` is its number in the conversation.
pub(super) fn publish(live: &Live, draft: Draft, findings: &SentenceFindings, sequence: u64) -> Published {
    let from = if draft.voice.is_named { draft.voice.user.clone() } else { User::default() };
    let said_at = draft.anchor.unix_ms(draft.sentence.words.start_ms);
    let mut message = transcript::message(
        draft.id.clone(),
        &draft.sentence.words,
        draft.anchor,
        live.began_at_ms,
        draft.timezone_offset,
        from.clone(),
    );
    if live.wishes.entities {
        message.entities = draft.sentence.entities.iter().map(message_entity).collect();
    }
    message.sentiment = live.wishes.sentiment.then(|| sentiment_of(findings.polarity));
    let text = message.payload.content.clone();

    let mut insights = Vec::new();
    let mut records = vec![Record::Message(message_record(live, &draft, findings, sequence))];
    for intent in
        findings.intents.iter().filter(|intent| live.wishes.want(wire_type(intent.kind), intent.score))
    {
        let due = match intent.kind {
            IntentKind::Question => None,
            _ => due::find(&text, said_at, draft.timezone_offset),
        };
        let assignee = assignee(live, intent, &from);
        let insight = insight(&message, intent, due.as_ref(), assignee.as_ref());
        records.push(Record::Insight(InsightRecord {
            id: insight.id.clone(),
            conversation_id: live.id.clone(),
            kind: insight.kind.clone(),
            text: text.clone(),
            message_id: draft.id.clone(),
            score: intent.score,
            from_id: member_id(&from),
            assignee_id: assignee.as_ref().and_then(member_id),
            due_ms: due.map(|due| due.at_ms),
        }));
        insights.push(insight);
    }
    let found_in = FoundIn { message_id: &draft.id, text: &text, insights: &insights };
    let trackers = found_in.trackers(&findings.hits);
    records.extend(findings.hits.iter().map(|hit| found_in.tracker_record(&live.id, hit)));
    let entities =
        if live.wishes.entities { entities(&message, &draft.sentence.entities) } else { Vec::new() };
    Published { message, insights, trackers, entities, records }
}

/// Returns the matches of words that may still change; they have no message yet.
pub(super) fn early_trackers(text: &str, hits: &[TrackerHit]) -> Vec<TrackerMatches> {
    FoundIn { message_id: "", text, insights: &[] }.trackers(hits)
}

/// Returns an insight that somebody else found in a message that has already been sent.
pub(super) fn suggested(found: &InsightRecord, from: Option<&User>, assignee: Option<&User>) -> Insight {
    let score = rounded(found.score);
    Insight {
        id: found.id.clone(),
        kind: found.kind.clone(),
        confidence: score,
        text: found.text.clone(),
        payload: Content::plain(found.text.clone()),
        message_reference: IdRef { id: found.message_id.clone() },
        from: person(from),
        assignee: person(assignee),
        due_by: found.due_ms.map(|due_ms| DueBy { value: iso(due_ms) }),
        hints: vec![Hint { key: "confidenceScore".to_owned(), value: score.to_string() }],
        tags: Vec::new(),
        entities: None,
        dismissed: false,
    }
}

/// Adds the matches of one more sentence: a tracker is named once a message, with all its matches.
pub(super) fn join_trackers(all: &mut Vec<TrackerMatches>, more: Vec<TrackerMatches>) {
    for found in more {
        match all.iter_mut().find(|tracker| tracker.id == found.id) {
            Some(tracker) => tracker.matches.extend(found.matches),
            None => all.push(found),
        }
    }
}

/// Returns topics as clients know them.
pub(super) fn topics(found: &[TopicFound], with_sentiment: bool) -> Vec<Topic> {
    let topic = |found: &TopicFound| Topic {
        id: found.id.clone(),
        kind: "topic".to_owned(),
        phrases: found.phrase.clone(),
        score: rounded(found.score),
        root_words: found.root_words.iter().map(|text| RootWord { text: text.clone() }).collect(),
        message_references: found
            .message_ids
            .iter()
            .map(|id| TopicMessageRef { id: id.clone(), relation: "text instance".to_owned() })
            .collect(),
        message_index: found.newest_message as u64,
        sentiment: with_sentiment.then(|| sentiment_of(found.polarity)),
    };
    found.iter().map(topic).collect()
}

/// Returns topics as they are written down.
pub(super) fn topics_record(conversation_id: &str, found: Vec<TopicFound>) -> Record {
    let topic = |found: TopicFound| TopicRecord {
        id: found.id,
        text: found.phrase,
        score: rounded(found.score),
        message_ids: found.message_ids,
        polarity: found.polarity,
    };
    Record::Topics {
        conversation_id: conversation_id.to_owned(),
        topics: found.into_iter().map(topic).collect(),
    }
}

fn message_record(live: &Live, draft: &Draft, findings: &SentenceFindings, sequence: u64) -> MessageRecord {
    let words = &draft.sentence.words;
    let at = |ms| draft.anchor.unix_ms(ms);
    MessageRecord {
        id: draft.id.clone(),
        conversation_id: live.id.clone(),
        sequence,
        member_id: draft.voice.is_named.then(|| draft.voice.user.id.clone()),
        text: words.punctuated.clone(),
        start_ms: at(words.start_ms),
        end_ms: at(words.end_ms),
        words: words
            .words
            .iter()
            .map(|word| WordRecord {
                word: word.word.clone(),
                start_ms: at(word.start_ms),
                end_ms: at(word.end_ms),
            })
            .collect(),
        polarity: findings.polarity,
        entities: draft
            .sentence
            .entities
            .iter()
            .filter(|_| live.wishes.entities)
            .map(|entity| EntityRecord {
                kind: entity.kind.class().to_owned(),
                sub_type: entity.kind.name().to_owned(),
                text: entity.text.clone(),
                offset: entity.offset as u64,
            })
            .collect(),
    }
}

fn insight(message: &Message, intent: &Intent, due: Option<&Due>, assignee: Option<&User>) -> Insight {
    let text = &message.payload.content;
    let score = rounded(intent.score);
    let mut tags = Vec::new();
    if let Some((user, at)) = assignee.and_then(|user| Some((user, text.find(named(user)?)?))) {
        tags.push(json!({
            "type": "person", "text": user.name, "beginOffset": characters(text, at),
            "value": { "value": {
                "name": user.name, "alias": user.name, "id": user.id, "assignee": true, "userId": user.user_id
            } }
        }));
    }
    if let Some(due) = due {
        tags.push(json!({
            "type": "datetime", "text": text.get(due.range.clone()), "beginOffset": characters(text, due.range.start),
            "value": { "value": { "datetime": due.date } }
        }));
    }
    Insight {
        id: super::ids::sixteen_digits(),
        kind: intent.kind.name().to_owned(),
        confidence: score,
        text: text.clone(),
        payload: Content::plain(text.clone()),
        message_reference: IdRef { id: message.id.clone() },
        from: person(Some(&message.from)),
        assignee: person(assignee),
        due_by: due.map(|due| DueBy { value: iso(due.at_ms) }),
        hints: vec![Hint { key: "confidenceScore".to_owned(), value: score.to_string() }],
        tags,
        entities: None,
        dismissed: false,
    }
}

/// Returns who shall do it: the speaker, the other of two, or a member of that name.
fn assignee(live: &Live, intent: &Intent, from: &User) -> Option<User> {
    let user = match &intent.assignee {
        _ if intent.kind == IntentKind::Question => None,
        Assignee::Speaker => Some(from.clone()),
        Assignee::OtherParty => live.other_than(&from.id),
        Assignee::Named(name) => live.member_named(name),
        Assignee::Nobody => None,
    };
    user.filter(|user| !user.id.is_empty())
}

/// A text in which trackers were found.
struct FoundIn<'a> {
    message_id: &'a str,
    text: &'a str,
    insights: &'a [Insight],
}

impl FoundIn<'_> {
    fn trackers(&self, hits: &[TrackerHit]) -> Vec<TrackerMatches> {
        let mut trackers: Vec<TrackerMatches> = Vec::new();
        for hit in hits {
            let offset = self.offset(hit);
            let reference =
                |id: &str, kind| MatchRef { id: id.to_owned(), kind, text: self.text.to_owned(), offset };
            let found = TrackerMatch {
                kind: "vocabulary".to_owned(),
                value: hit.phrase.clone(),
                message_refs: vec![reference(self.message_id, None)],
                insight_refs: self
                    .insights
                    .iter()
                    .map(|insight| reference(&insight.id, Some(insight.kind.clone())))
                    .collect(),
            };
            match trackers.iter_mut().find(|tracker| tracker.id == hit.id) {
                Some(tracker) => tracker.matches.push(found),
                None => trackers.push(TrackerMatches {
                    id: hit.id.clone(),
                    name: hit.name.clone(),
                    matches: vec![found],
                }),
            }
        }
        trackers
    }

    fn tracker_record(&self, conversation_id: &str, hit: &TrackerHit) -> Record {
        Record::TrackerMatch(TrackerMatchRecord {
            conversation_id: conversation_id.to_owned(),
            tracker_id: hit.id.clone(),
            tracker_name: hit.name.clone(),
            value: hit.phrase.clone(),
            message_id: self.message_id.to_owned(),
            text: self.text.to_owned(),
            offset: self.offset(hit),
            insights: self
                .insights
                .iter()
                .map(|insight| (insight.id.clone(), insight.kind.clone()))
                .collect(),
        })
    }

    fn offset(&self, hit: &TrackerHit) -> i64 {
        hit.range.as_ref().map_or(-1, |range| characters(self.text, range.start) as i64)
    }
}

fn entities(message: &Message, found: &[FoundEntity]) -> Vec<Entity> {
    let entity = |found: &FoundEntity| Entity {
        kind: found.kind.class().to_owned(),
        sub_type: found.kind.name().to_owned(),
        category: "Managed".to_owned(),
        matches: vec![EntityMatch {
            detected_value: found.text.clone(),
            message_refs: vec![EntityMessageRef {
                id: message.id.clone(),
                start_time: message.duration.start_time.clone(),
                end_time: message.duration.end_time.clone(),
                text: message.payload.content.clone(),
                offset: found.offset as i64,
            }],
        }],
    };
    found.iter().map(entity).collect()
}

fn message_entity(found: &FoundEntity) -> MessageEntity {
    MessageEntity {
        kind: found.kind.name().to_owned(),
        sub_type: found.kind.name().to_owned(),
        category: "Managed".to_owned(),
        text: found.text.clone(),
        detected_value: found.text.clone(),
        offset: found.offset as i64,
        value: EntityValue { value: found.text.clone() },
    }
}

/// Returns a score with its band.
fn sentiment_of(polarity: f64) -> Sentiment {
    Sentiment {
        polarity: Polarity { score: rounded(polarity) },
        suggested: sentiment::suggested(polarity).to_owned(),
    }
}

/// `{}` when unknown, never null or text: the Go SDK loses the message otherwise.
fn person(user: Option<&User>) -> Value {
    match user {
        Some(user) if !user.id.is_empty() => {
            json!({ "id": user.id, "name": user.name, "userId": user.user_id })
        }
        _ => json!({}),
    }
}

fn named(user: &User) -> Option<&str> {
    Some(user.name.as_str()).filter(|name| !name.is_empty())
}

fn member_id(user: &User) -> Option<String> {
    Some(user.id.clone()).filter(|id| !id.is_empty())
}

pub(super) fn wire_type(kind: IntentKind) -> InsightType {
    match kind {
        IntentKind::Question => InsightType::Question,
        IntentKind::ActionItem => InsightType::ActionItem,
        IntentKind::FollowUp => InsightType::FollowUp,
    }
}

/// Returns a byte offset in characters.
fn characters(text: &str, bytes: usize) -> usize {
    text.get(..bytes).map_or(0, |before| before.chars().count())
}

/// Four decimals, as hosted servers write them.
fn rounded(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}
