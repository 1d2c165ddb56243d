//! Phrases somebody watches for, by words and by meaning.
//!
//! * `words` - a text as comparable words that know where they stood.
//! * `literal` - where the words of a phrase stand in a message.
//! * `cues` - what a vector hardly tells: denied, settled, said about the other side.
//! * `likeness` - how much a message means what a phrase means.

mod cues;
mod likeness;
mod literal;
pub(crate) mod words;

use std::{ops::Range, sync::Arc};

use self::{cues::Cues, likeness::PhraseMeaning, literal::Said, words::Word};
use crate::engine::meaning::{Meaning, MeaningError, Vector};

/// Score from which a message means what a phrase means; chosen on rows of trackers that were left out of training.
pub const DEFAULT_THRESHOLD: f32 = 0.5;

/// Added to the threshold by [`Strictness::Strict`].
pub const STRICT_MARGIN: f32 = 0.06;

/// A shorter message has no meaning to speak of ("okay").
const FEWEST_WORDS: usize = 2;

/// Whether a tracker would rather miss something or rather be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// As many hits as false alarms leave room for.
    #[default]
    Normal,
    /// Few false alarms.
    Strict,
}

/// Something to be watched for.
#[derive(Debug, Clone)]
pub struct Tracker {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is said.
    pub phrases: Vec<Phrase>,
    /// Score from which similar meaning is a hit, 0 to 1.
    pub threshold: f32,
    /// Preset on top of the threshold.
    pub strictness: Strictness,
    /// Whose sentences are looked at, where not everybody's; the caller's word for a speaker.
    pub speaker: Option<String>,
}

/// One way to say it, made ready for comparing.
#[derive(Debug, Clone)]
pub struct Phrase {
    text: String,
    words: Vec<Word>,
    meaning: Option<PhraseMeaning>,
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
    /// Makes a tracker for everybody with the default threshold. With `meaning` this blocks for up to 20 ms a phrase
    /// the first time that its phrases are seen; without, only their words are found.
    pub fn new<'a>(
        id: impl Into<String>,
        name: impl Into<String>,
        vocabulary: impl IntoIterator<Item = &'a str>,
        meaning: Option<&Meaning>,
    ) -> Result<Self, MeaningError> {
        let phrases = vocabulary.into_iter().map(|text| Phrase::new(text, meaning));
        Ok(Self {
            id: id.into(),
            name: name.into(),
            phrases: phrases.collect::<Result<_, _>>()?,
            threshold: DEFAULT_THRESHOLD,
            strictness: Strictness::default(),
            speaker: None,
        })
    }

    /// Tells whether sentences of `speaker` are looked at; [`find`] knows no speakers.
    pub fn listens_to(&self, speaker: Option<&str>) -> bool {
        self.speaker.is_none() || self.speaker.as_deref() == speaker
    }

    /// Returns the score from which similar meaning is a hit, the preset included.
    pub fn effective_threshold(&self) -> f32 {
        match self.strictness {
            Strictness::Normal => self.threshold,
            Strictness::Strict => self.threshold + STRICT_MARGIN,
        }
    }
}

impl Phrase {
    fn new(text: &str, meaning: Option<&Meaning>) -> Result<Self, MeaningError> {
        let words = words::words(text);
        // A single word is a keyword, not a meaning.
        let meaning = match meaning.filter(|_| words.len() > 1) {
            Some(meaning) => Some(PhraseMeaning::new(&words, meaning)?),
            None => None,
        };
        Ok(Self { text: text.to_owned(), words, meaning })
    }

    /// Returns the phrase as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Returns what `text` says of `trackers`: every phrase whose words are there, and for a tracker without such the
/// phrase that is most similar to `vector` (the meaning of `text`) if it is similar enough and none was denied.
pub fn find(trackers: &[Arc<Tracker>], text: &str, vector: Option<&Vector>) -> Vec<Hit> {
    let words = words::words(text);
    let vector = vector.filter(|_| words.len() >= FEWEST_WORDS);
    let message = vector.map(|vector| (vector, Cues::of(&words)));
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
            && let Some((vector, cues)) = &message
            && let Some((phrase, score)) = likeness::best(&tracker.phrases, vector, cues)
            && score >= tracker.effective_threshold()
        {
            hits.push(Hit { tracker: index, phrase, range: None, score });
        }
    }
    hits
}

#[cfg(test)]
mod tests;
