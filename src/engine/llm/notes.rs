//! What one conversation has for the model, gathered from its records. Pure.

use crate::engine::insight::intents::IntentKind;
use crate::engine::store::record::Record;

/// Sentences of one question.
const LINES: usize = 10;
/// Characters that a summary is made of; of longer conversations it is made of the end.
const MOST_CHARACTERS: usize = 60_000;
/// A conversation with fewer sentences has no summary.
const LEAST_FOR_SUMMARY: usize = 2;

/// A sentence as the model may see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// The message's id.
    pub message_id: String,
    /// The text.
    pub text: String,
    /// Unix time.
    pub start_ms: i64,
    /// Who said it.
    pub member_id: Option<String>,
    /// Counts the speakers; a name could be a name that is to be hidden.
    pub speaker: usize,
    /// Types of insights that the rules found in it.
    pub known: Vec<String>,
}

/// What a conversation wants, and whether it may be shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wants {
    /// Types of insights.
    pub kinds: Vec<IntentKind>,
    /// Insights below it are left out.
    pub threshold: f64,
    /// Whether all that was said has been through redaction.
    pub is_redacted: bool,
    /// Minutes from UTC.
    pub timezone_offset: i64,
}

/// Gathers the sentences of one conversation.
#[derive(Debug, Default)]
pub struct Notes {
    conversation_id: String,
    /// Newest last; those behind `asked` have not been asked about.
    lines: Vec<Line>,
    asked: usize,
    characters: usize,
    speakers: Vec<Option<String>>,
    /// Whether they begin with the conversation: after a restart they do not.
    is_whole: bool,
}

/// Sentences to ask about.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The conversation's id.
    pub conversation_id: String,
    /// The sentences.
    pub lines: Vec<Line>,
    /// The two parties, if there are two.
    pub parties: Vec<String>,
    /// What is wanted.
    pub wants: Wants,
}

impl Line {
    /// Returns what the model knows the speaker by.
    pub fn label(&self) -> String {
        format!("S{}", self.speaker + 1)
    }
}

impl Notes {
    /// Takes in what is written down of the conversation.
    pub fn note(&mut self, record: &Record) {
        match record {
            Record::Message(message) => {
                if self.lines.is_empty() {
                    self.conversation_id.clone_from(&message.conversation_id);
                    self.is_whole = message.sequence == 0;
                }
                let known = self.speakers.iter().position(|speaker| *speaker == message.member_id);
                let speaker = known.unwrap_or_else(|| {
                    self.speakers.push(message.member_id.clone());
                    self.speakers.len() - 1
                });
                self.characters += message.text.len();
                self.lines.push(Line {
                    message_id: message.id.clone(),
                    text: message.text.clone(),
                    start_ms: message.start_ms,
                    member_id: message.member_id.clone(),
                    speaker,
                    known: Vec::new(),
                });
            }
            Record::Insight(insight) => {
                let line = self.lines.iter_mut().rev().find(|line| line.message_id == insight.message_id);
                if let Some(line) = line {
                    line.known.push(insight.kind.clone());
                }
            }
            _ => {}
        }
    }

    /// Returns the sentences to ask about, if there are enough.
    pub fn batch(&mut self, wants: &Wants) -> Option<Batch> {
        (self.lines.len() - self.asked >= LINES).then(|| self.rest(wants))?
    }

    /// Returns the sentences that have not been asked about.
    pub fn rest(&mut self, wants: &Wants) -> Option<Batch> {
        let lines = self.lines.get(self.asked..).filter(|lines| !lines.is_empty())?.to_vec();
        self.asked = self.lines.len();
        self.forget();
        let members = self.speakers.iter().flatten();
        let parties = if members.clone().count() == 2 { members.cloned().collect() } else { Vec::new() };
        Some(Batch { conversation_id: self.conversation_id.clone(), lines, parties, wants: wants.clone() })
    }

    /// Returns the whole conversation, as far as it can be summarised.
    pub fn whole(&self, wants: &Wants) -> Option<Batch> {
        (self.is_whole && self.lines.len() >= LEAST_FOR_SUMMARY).then(|| Batch {
            conversation_id: self.conversation_id.clone(),
            lines: self.lines.clone(),
            parties: Vec::new(),
            wants: wants.clone(),
        })
    }

    fn forget(&mut self) {
        let mut gone = 0;
        while self.characters > MOST_CHARACTERS && gone < self.asked {
            self.characters -= self.lines[gone].text.len();
            gone += 1;
        }
        self.lines.drain(..gone);
        self.asked -= gone;
    }
}
