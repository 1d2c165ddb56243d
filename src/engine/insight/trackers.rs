//! Phrases somebody watches for, by words and by meaning.
//!
//! * `words` - a text as comparable words that know where they stood.
//! * `literal` - where the words of a phrase stand in a message.
//! * `cues` - what a vector hardly tells: denied, settled, said about the other side.
//! * `emphasis` - which parts of a meaning count, learned.
//! * `likeness` - how much a message means what a phrase means.

mod cues;
mod emphasis;
mod likeness;
mod literal;
pub(crate) mod words;

use std::{ops::Range, sync::Arc};

use self::{
    likeness::{Message, PhraseMeaning},
    literal::Said,
    words::Word,
};
use crate::engine::meaning::{Meaning, MeaningError, Vector};

/// Score from which a message means what a phrase means; chosen on rows of trackers that were left out of training.
pub const DEFAULT_THRESHOLD: f32 = 0.52;

/// Added to the threshold of a strict tracker.
pub const STRICT_MARGIN: f32 = 0.06;

/// A shorter message has no meaning to speak of ("okay").
const FEWEST_WORDS: usize = 2;

/// What somebody wants to be watched for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrackerDefinition {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is said.
    pub phrases: Vec<String>,
    /// Score from which similar meaning is a hit, 0 to 1; none: [`DEFAULT_THRESHOLD`].
    pub threshold: Option<f32>,
    /// Whether it would rather miss something than be wrong.
    pub is_strict: bool,
}

/// Something that is watched for, made ready for comparing.
#[derive(Debug, Clone)]
pub struct Tracker {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    phrases: Vec<Phrase>,
    /// Score from which similar meaning is a hit.
    threshold: f32,
}

/// One way to say it.
#[derive(Debug, Clone)]
struct Phrase {
    text: String,
    words: Vec<Word>,
    meaning: Option<PhraseMeaning>,
    /// Whether the model was asked for its meaning, or need not be.
    is_settled: bool,
}

/// A phrase that was said, or something that means the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Index of the tracker.
    pub tracker: usize,
    /// Index of the phrase in its tracker.
    pub phrase: usize,
    /// Bytes of the message where the words stand; `None` when it is similar by meaning.
    pub range: Option<Range<usize>>,
    /// 1 for the words themselves, else the likeness, below 1.
    pub score: f32,
}

impl Tracker {
    /// Returns a tracker that finds words only, until [`Tracker::learn`].
    pub fn new(definition: &TrackerDefinition) -> Self {
        let margin = if definition.is_strict { STRICT_MARGIN } else { 0.0 };
        Self {
            id: definition.id.clone(),
            name: definition.name.clone(),
            phrases: definition.phrases.iter().map(|text| Phrase::new(text)).collect(),
            threshold: definition.threshold.unwrap_or(DEFAULT_THRESHOLD) + margin,
        }
    }

    /// Returns one of its phrases as it was given.
    pub fn phrase(&self, index: usize) -> &str {
        self.phrases.get(index).map_or("", |phrase| &phrase.text)
    }

    /// Returns whether every phrase has its meaning, or cannot have one.
    pub fn is_learned(&self) -> bool {
        self.phrases.iter().all(|phrase| phrase.is_settled)
    }

    /// Gives the next phrase its meaning; a phrase that the model fails on is found by its words only. Blocks for
    /// three to five vectors.
    ///
    /// # Errors
    ///
    /// What the model says.
    pub fn learn(&mut self, meaning: &Meaning) -> Result<(), MeaningError> {
        if let Some(phrase) = self.phrases.iter_mut().find(|phrase| !phrase.is_settled) {
            phrase.is_settled = true;
            phrase.meaning = Some(PhraseMeaning::new(&phrase.words, meaning)?);
        }
        Ok(())
    }
}

impl Phrase {
    fn new(text: &str) -> Self {
        let words = words::words(text);
        // A single word is a keyword, not a meaning.
        let is_settled = words.len() < 2;
        Self { text: text.to_owned(), words, meaning: None, is_settled }
    }
}

/// Returns what `text` says of `trackers`: every phrase whose words are there, and for a tracker without such the
/// phrase that is most similar to `vector` (the meaning of `text`) if it is similar enough and none was denied.
pub fn find(trackers: &[Arc<Tracker>], text: &str, vector: Option<&Vector>) -> Vec<Hit> {
    let words = words::words(text);
    let vector = vector.filter(|_| words.len() >= FEWEST_WORDS);
    let message = vector.map(|vector| Message::new(vector, &words));
    let mut hits = Vec::new();
    for (index, tracker) in trackers.iter().enumerate() {
        let before = hits.len();
        let mut denied = false;
        for (phrase, known) in tracker.phrases.iter().enumerate() {
            match literal::find(&known.words, &words) {
                Said::Here(range) => {
                    hits.push(Hit { tracker: index, phrase, range: Some(range), score: 1.0 });
                }
                Said::Denied => denied = true,
                Said::Not => {}
            }
        }
        if hits.len() == before
            && !denied
            && let Some(message) = &message
            && let Some((phrase, score)) = likeness::best(&tracker.phrases, message)
            && score >= tracker.threshold
        {
            hits.push(Hit { tracker: index, phrase, range: None, score });
        }
    }
    hits
}

#[cfg(test)]
mod tests;
