//! All capabilities over one conversation, in order. The same code judges live calls, typed transcripts and labelled
//! sets.
//!
//! Its texts are already redacted: what must not leave never gets here.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::intents::{self, Assignee, Intent, IntentKind};
use super::leanings::{self, ACTION_ITEM_FROM, FOLLOW_UP_FROM, Leanings, QUESTION_FROM};
use super::sentiment;
use super::topics::Topics;
use super::trackers::{self, Tracker};
use crate::engine::meaning::Vector;

/// Topics reported of one conversation.
const MOST_TOPICS: usize = 10;

/// What one conversation has been about so far.
#[derive(Debug, Default)]
pub struct Analyst {
    topics: Topics,
    topic_ids: HashMap<String, String>,
    messages: Vec<Remembered>,
}

#[derive(Debug)]
struct Remembered {
    id: String,
    polarity: f64,
}

/// What was found in one sentence.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SentenceFindings {
    /// Questions, action items, follow-ups.
    pub intents: Vec<Intent>,
    /// -1 to 1.
    pub polarity: f64,
    /// Trackers that fired.
    pub hits: Vec<TrackerHit>,
}

/// A tracker that fired.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerHit {
    /// The tracker's id.
    pub id: String,
    /// The tracker's name.
    pub name: String,
    /// The vocabulary phrase.
    pub phrase: String,
    /// Where it stands, in bytes of the sentence; none: it is similar, not literal.
    pub range: Option<Range<usize>>,
}

/// A topic of the conversation so far.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicFound {
    /// The same for as long as the conversation lives.
    pub id: String,
    /// The phrase.
    pub phrase: String,
    /// 0 to 1.
    pub score: f64,
    /// The words it stands on.
    pub root_words: Vec<String>,
    /// The messages that hold it, oldest first.
    pub message_ids: Vec<String>,
    /// Index of the newest of them.
    pub newest_message: usize,
    /// Mean polarity of them.
    pub polarity: f64,
}

impl Analyst {
    /// Judges the conversation's next sentence. `vector` is its meaning, when there is a model.
    pub fn sentence(
        &mut self,
        id: &str,
        text: &str,
        vector: Option<&Vector>,
        watched: &[Arc<Tracker>],
    ) -> SentenceFindings {
        let leanings = vector.map(|vector| leanings::of(vector, text));
        let by_rules = sentiment::polarity(text);
        let polarity = leanings.map_or(by_rules, |leanings| leanings.polarity_with(by_rules));
        self.remember(id, text, polarity);
        let mut intents = intents::detect(text);
        if let Some(leanings) = leanings {
            second_opinion(&mut intents, &leanings);
        }
        SentenceFindings { intents, polarity, hits: hits(text, vector, watched) }
    }

    /// Takes in a sentence that was judged before a restart.
    pub fn remember(&mut self, id: &str, text: &str, polarity: f64) {
        self.topics.add(self.messages.len(), text);
        self.messages.push(Remembered { id: id.to_owned(), polarity });
    }

    /// Returns what the conversation has been about so far, best first.
    pub fn topics(&mut self) -> Vec<TopicFound> {
        let mut found = Vec::new();
        for topic in self.topics.current(MOST_TOPICS) {
            let held: Vec<&Remembered> =
                topic.messages.iter().filter_map(|index| self.messages.get(*index)).collect();
            let polarity =
                held.iter().map(|message| message.polarity).sum::<f64>() / held.len().max(1) as f64;
            let id = self.topic_ids.entry(topic.key).or_insert_with(|| Uuid::new_v4().to_string());
            found.push(TopicFound {
                id: id.clone(),
                phrase: topic.phrase,
                score: topic.score,
                root_words: topic.root_words,
                message_ids: held.iter().map(|message| message.id.clone()).collect(),
                newest_message: topic.messages.iter().copied().max().unwrap_or(0),
                polarity,
            });
        }
        found
    }
}

/// Adds what the rules missed and the sentence's meaning makes likely. A follow-up takes the place of an action item.
fn second_opinion(intents: &mut Vec<Intent>, leanings: &Leanings) {
    let likely = [
        (IntentKind::Question, leanings.question, QUESTION_FROM, Assignee::Nobody),
        (IntentKind::FollowUp, leanings.follow_up, FOLLOW_UP_FROM, Assignee::Nobody),
        (IntentKind::ActionItem, leanings.action_item, ACTION_ITEM_FROM, Assignee::Nobody),
    ];
    for (kind, probability, from, assignee) in likely {
        let has = |kind| intents.iter().any(|intent: &Intent| intent.kind == kind);
        // Rules know a request that is a question from one that only asks ("could you give me your number").
        let is_covered = kind == IntentKind::ActionItem
            && (has(IntentKind::Question) || has(IntentKind::FollowUp) || leanings.follow_up >= 0.5);
        if probability >= from && !has(kind) && !is_covered {
            intents.push(Intent { kind, score: f64::from(probability), assignee });
        }
    }
}

/// Returns the trackers that fire on a text.
pub fn hits(text: &str, vector: Option<&Vector>, watched: &[Arc<Tracker>]) -> Vec<TrackerHit> {
    trackers::find(watched, text, vector)
        .into_iter()
        .map(|hit| {
            let tracker = &watched[hit.tracker];
            TrackerHit {
                id: tracker.id.clone(),
                name: tracker.name.clone(),
                phrase: tracker.phrase(hit.phrase).to_owned(),
                range: hit.range,
            }
        })
        .collect()
}
