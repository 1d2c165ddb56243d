//! A conversation that is read rather than heard: the same rules as a live one, without sockets. Pure.
//!
//! Typed and imported transcripts go through the code of live calls, so that they are redacted, split, judged and
//! written down alike; only what would be sent to sockets is left out.

use std::collections::HashMap;

use super::effect::{Effect, TaskNumber};
use super::live::{Live, Voice};
use super::results;
use super::transcript::{Anchor, FinalWords};
use crate::engine::analysis::Answer;
use crate::engine::hearing::HeardWord;
use crate::engine::insight::analyst::{SentenceFindings, TopicFound};
use crate::engine::llm::notes::Wants;
use crate::engine::store::record::Record;
use crate::engine::store::view::OpenConversation;
use crate::symbl::Speaker;
use crate::symbl::client_message::StartRequest;
use crate::symbl::server_message::User;

/// A conversation that is being read.
#[derive(Debug)]
pub struct Typed {
    live: Live,
    /// People without a user id, by name.
    by_name: HashMap<String, Voice>,
    nobody: Voice,
}

/// What one person wrote or said at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Who; none when nobody says.
    pub speaker: Option<Speaker>,
    /// The text, with marks.
    pub text: String,
    /// Unix time.
    pub start_ms: i64,
    /// Unix time.
    pub end_ms: i64,
}

/// What became of an utterance.
#[derive(Debug)]
pub struct Said {
    /// What can be written down at once.
    pub records: Vec<Record>,
    /// Goes back with the findings.
    pub number: TaskNumber,
    /// What is to be judged: id and text of each sentence.
    pub sentences: Vec<(String, String)>,
}

impl Typed {
    /// Begins a conversation; `wish` says what is wanted of it. Without a title its name is its id.
    pub fn begin(wish: &StartRequest, at_ms: i64) -> Self {
        let mut live = Live::begin("", at_ms);
        live.wishes.add(wish);
        let id = live.id.clone();
        live.wishes.title.get_or_insert(id);
        Self::of(live)
    }

    /// Goes on with one that is in the store.
    pub fn go_on(before: &OpenConversation, wish: &StartRequest, now_ms: i64) -> Self {
        let mut live = Live::go_on(before, now_ms);
        live.wishes.add(wish);
        let mut typed = Self::of(live);
        for member in before.members.iter().filter(|member| member.user_id.is_empty()) {
            let user = User { id: member.id.clone(), name: member.name.clone(), user_id: String::new() };
            typed.know(Voice { user, is_named: true });
        }
        typed
    }

    fn of(mut live: Live) -> Self {
        let nobody = live.voice(&StartRequest::default(), &Voice::default());
        Self { live, by_name: HashMap::new(), nobody }
    }

    /// Returns the conversation's id.
    pub fn id(&self) -> &str {
        &self.live.id
    }

    /// Returns how the conversation is written down, unless it stands like that already.
    pub fn changed_record(&mut self) -> Option<Record> {
        self.live.changed_record()
    }

    /// Returns what a second opinion has to know.
    pub fn wants(&self) -> Wants {
        self.live.wants()
    }

    /// Takes in what somebody said.
    pub fn say(&mut self, utterance: &Utterance) -> Said {
        let (voice, member) = self.voice(utterance.speaker.as_ref());
        let anchor = Anchor { leg_offset_ms: 0, began_at_ms: utterance.start_ms };
        let saying = self.live.say(&voice, &words(utterance), anchor);
        let (number, sentences) = self.live.draft(saying, anchor, &voice, 0);
        Said { records: member.into_iter().collect(), number, sentences }
    }

    /// Returns what is to be written down of judged sentences.
    pub fn judged(&mut self, number: TaskNumber, findings: Vec<SentenceFindings>) -> Vec<Record> {
        let mut records = Vec::new();
        for effect in self.live.judged(number, Answer::Sentences(findings)) {
            match effect {
                // Its words are guesses: nobody said when each of them came.
                Effect::Record(Record::Message(mut message)) => {
                    message.words.clear();
                    records.push(Record::Message(message));
                }
                Effect::Record(record) => records.push(record),
                // Topics are asked for once, at the end.
                Effect::Judge(number, _) => {
                    self.live.judged(number, Answer::Nothing);
                }
                _ => {}
            }
        }
        records
    }

    /// Returns how topics are written down.
    pub fn topics(&self, found: Vec<TopicFound>) -> Record {
        results::topics_record(&self.live.id, found)
    }

    fn voice(&mut self, speaker: Option<&Speaker>) -> (Voice, Option<Record>) {
        let voice = match speaker {
            None => return (self.nobody.clone(), None),
            Some(speaker) if speaker.user_id.is_empty() => {
                if let Some(known) = self.by_name.get(&speaker.name) {
                    return (known.clone(), None);
                }
                let voice = self.live.voice(&by(speaker.clone()), &Voice::default());
                self.know(voice.clone());
                voice
            }
            Some(speaker) => self.live.voice(&by(speaker.clone()), &Voice::default()),
        };
        let member = self.live.member_record(&voice);
        (voice, member)
    }

    fn know(&mut self, voice: Voice) {
        self.live.add_member(&voice);
        self.by_name.insert(voice.user.name.clone(), voice);
    }
}

fn by(speaker: Speaker) -> StartRequest {
    StartRequest { speaker: Some(speaker), ..StartRequest::default() }
}

/// Spreads the words evenly over the time, so that each sentence gets its share of it.
fn words(utterance: &Utterance) -> FinalWords {
    let duration_ms = u64::try_from(utterance.end_ms.saturating_sub(utterance.start_ms)).unwrap_or(0);
    let count = utterance.text.split_whitespace().count().max(1) as u64;
    let at = |place: u64| (u128::from(duration_ms) * u128::from(place) / u128::from(count)) as u64;
    let words = (0..).zip(utterance.text.split_whitespace()).map(|(place, word)| HeardWord {
        word: word.to_owned(),
        start_ms: at(place),
        end_ms: at(place + 1),
    });
    FinalWords {
        transcript: utterance.text.to_lowercase(),
        punctuated: utterance.text.clone(),
        words: words.collect(),
        confidence: 1.0,
        start_ms: 0,
        end_ms: duration_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance(speaker: Option<(&str, &str)>, text: &str, start_ms: i64, end_ms: i64) -> Utterance {
        let speaker = speaker.map(|(id, name)| Speaker { user_id: id.to_owned(), name: name.to_owned() });
        Utterance { speaker, text: text.to_owned(), start_ms, end_ms }
    }

    fn messages(typed: &mut Typed, utterance: &Utterance) -> Vec<Record> {
        let said = typed.say(utterance);
        let findings = said.sentences.iter().map(|_| SentenceFindings::default()).collect();
        typed.judged(said.number, findings)
    }

    #[test]
    fn sentences_share_the_time_of_their_utterance_and_have_no_words() {
        let mut typed = Typed::begin(&StartRequest::default(), 1000);
        let records = messages(&mut typed, &utterance(None, "One two three. Four five six.", 1000, 7000));
        let times: Vec<_> = records
            .iter()
            .filter_map(|record| match record {
                Record::Message(message) => Some((message.start_ms, message.end_ms, message.words.len())),
                _ => None,
            })
            .collect();
        assert_eq!(times, [(1000, 4000, 0), (4000, 7000, 0)]);
    }

    #[test]
    fn many_messages_are_written_down_though_topics_are_not_asked_for() {
        let mut typed = Typed::begin(&StartRequest::default(), 0);
        for place in 0..40 {
            let records =
                messages(&mut typed, &utterance(Some(("a", "A")), "One more message.", place, place));
            assert_eq!(records.len(), 1, "{place}");
        }
    }

    #[test]
    fn people_are_told_apart_by_id_or_else_by_name() {
        let mut typed = Typed::begin(&StartRequest::default(), 0);
        let mut joined = Vec::new();
        for speaker in [("", "Mike"), ("n@x.io", "Natalia"), ("", "Mike"), ("n@x.io", "Natalia")] {
            let said = typed.say(&utterance(Some(speaker), "Hello there.", 0, 1));
            joined.extend(said.records.into_iter().filter_map(|record| match record {
                Record::Member { member, .. } => Some(member.id),
                _ => None,
            }));
        }
        joined.sort();
        joined.dedup();
        assert_eq!(joined.len(), 2);
    }
}
