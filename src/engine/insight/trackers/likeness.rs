//! How much a message means what a phrase means: the cosine, less for whatever speaks against it, and the learned
//! likeness of `emphasis`, half and half.
//!
//! The weights began as those of a logistic regression (tried on trackers that it was not taught), were rounded by
//! hand, and are scaled so that a score reads like a cosine.

use std::sync::Arc;

use super::{
    Phrase,
    cues::{Cues, speaks_of_listener},
    emphasis::{Weighed, call, nearness},
    words::{Word, joined},
};
use crate::engine::meaning::{Meaning, MeaningError, Vector};

/// The nearest phrase.
const NEAREST: f32 = 0.75;
/// The mean of the nearest [`NEIGHBOURS`]: one phrase may share a mere word, several share a meaning.
const NEIGHBOURHOOD: f32 = 0.45;
/// A long vocabulary is diverse, and its far end tells nothing.
const NEIGHBOURS: usize = 5;
/// The message denies a word that phrases begin with.
const DENIED: f32 = 0.11;
/// The phrase tells a trouble and the message none.
const NO_TROUBLE: f32 = 0.06;
/// The message tells that it is done or well.
const SETTLED: f32 = 0.15;
/// The message is about the listener and the phrase is not.
const ABOUT_LISTENER: f32 = 0.11;
/// The message asks the listener and the phrase does not.
const ASKS_LISTENER: f32 = 0.07;
/// A message that is near to a single word of the phrase shares its topic, which is not yet its meaning.
const TOPIC: f32 = 0.2;
/// A message that is nearer to [`OPPOSITE`] than to the phrase itself means that.
const OPPOSITE_WEIGHT: f32 = 0.39;
/// Brings the scores back to the scale of cosines.
const SCALE: f32 = 0.1;

/// Appended to a phrase this gives a sentence about the same thing that calls for nothing.
const OPPOSITE: &str = "already done thank you";

/// Share of the learned likeness in the score. It falls for fewer traps, but knows less of themes that it was not
/// taught: half and half did best on left-out files and on left-out trackers.
const LEARNED: f32 = 0.5;

/// Scores stay below those of the words themselves.
const HIGHEST: f32 = 0.99;

/// What the comparison knows of a phrase.
#[derive(Debug, Clone)]
pub(super) struct PhraseMeaning {
    vector: Arc<Vector>,
    weighed: Weighed,
    opposite: Arc<Vector>,
    topics: Vec<Arc<Vector>>,
    first_content: Option<String>,
    denies: bool,
    of_listener: bool,
}

impl PhraseMeaning {
    /// Asks `meaning` for what it needs: three to five vectors, each once a process.
    pub(super) fn new(words: &[Word], meaning: &Meaning) -> Result<Self, MeaningError> {
        let text = joined(words);
        let content: Vec<&Word> = words.iter().filter(|word| word.has_content()).collect();
        let vector = meaning.remembered(&text)?;
        Ok(Self {
            weighed: Weighed::of(&vector),
            vector,
            opposite: meaning.remembered(&format!("{text} {OPPOSITE}"))?,
            topics: content.iter().map(|word| meaning.remembered(&word.plain)).collect::<Result<_, _>>()?,
            first_content: content.first().map(|word| word.stem.clone()),
            denies: words.iter().any(Word::denies),
            of_listener: speaks_of_listener(words),
        })
    }
}

/// What the comparison knows of a message.
pub(super) struct Message<'a> {
    vector: &'a Vector,
    weighed: Weighed,
    call: f32,
    cues: Cues,
}

impl<'a> Message<'a> {
    /// Reads what a message shows of itself.
    pub(super) fn new(vector: &'a Vector, words: &[Word]) -> Self {
        Self { vector, weighed: Weighed::of(vector), call: call(vector), cues: Cues::of(words) }
    }
}

/// Returns the index of the phrase that is nearest to `message`, with the score.
pub(super) fn best(phrases: &[Phrase], message: &Message<'_>) -> Option<(usize, f32)> {
    let known = phrases.iter().enumerate();
    let known = known.filter_map(|(index, phrase)| phrase.meaning.as_ref().map(|meaning| (index, meaning)));
    let mut near: Vec<(usize, &PhraseMeaning, f32)> =
        known.map(|(index, meaning)| (index, meaning, meaning.vector.cosine(message.vector))).collect();
    near.sort_by(|(_, _, left), (_, _, right)| right.total_cmp(left));
    near.truncate(NEIGHBOURS);
    let &(index, phrase, cosine) = near.first()?;
    let mean = near.iter().map(|(_, _, cosine)| cosine).sum::<f32>() / near.len() as f32;
    let topic = phrase.topics.iter().map(|word| word.cosine(message.vector)).fold(0.0, f32::max);
    let mut score = SCALE + NEAREST * cosine + NEIGHBOURHOOD * mean
        - TOPIC * topic
        - OPPOSITE_WEIGHT * (phrase.opposite.cosine(message.vector) - cosine);
    let against = [
        (!phrase.denies && denies_a_beginning(phrases, &message.cues), DENIED),
        (phrase.denies && !message.cues.trouble, NO_TROUBLE),
        (message.cues.settled, SETTLED),
        (message.cues.about_listener && !phrase.of_listener, ABOUT_LISTENER),
        (message.cues.asks_listener && !phrase.of_listener, ASKS_LISTENER),
    ];
    for (present, weight) in against {
        if present {
            score -= weight;
        }
    }
    let weighed = phrases.iter().filter_map(|phrase| phrase.meaning.as_ref()).map(|meaning| &meaning.weighed);
    let learned = nearness(weighed, &message.weighed) + message.call;
    score += LEARNED * (learned - score);
    Some((index, score.clamp(0.0, HIGHEST)))
}

/// Tells whether the message denies the word that a phrase begins with, most often its verb.
fn denies_a_beginning(phrases: &[Phrase], cues: &Cues) -> bool {
    let meanings = phrases.iter().filter_map(|phrase| phrase.meaning.as_ref());
    let mut beginnings =
        meanings.filter(|meaning| !meaning.denies).filter_map(|meaning| meaning.first_content.as_ref());
    beginnings.any(|first| cues.denied.contains(first))
}
