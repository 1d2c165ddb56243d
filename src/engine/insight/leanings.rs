//! What a sentence probably is, by its meaning and its commonest words: a second opinion on what rules say.
//!
//! Five logistic regressions over the sentence's vector and the presence of common words and word pairs. `symbl-bridge
//! train` makes `data/leanings.json` from labelled rows; the vector alone hardly knows the order of words, which
//! questions need, so words stand beside it.
//!
//! To combine: an intent is there if the rules say so or its probability reaches the constant below; an action item
//! only if neither says follow-up. For polarity see [`Leanings::polarity_with`]. The constants were chosen on rows
//! that were left out of training: they add recall on roundabout speech and cost plain speech next to no precision.

pub mod fit;

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use super::trackers::words::words;
use crate::engine::meaning::{Vector, WIDTH};

/// Bring vector and words to sizes that one regularisation suits.
const VECTOR_SCALE: f32 = 2.0;
const GRAM_SCALE: f32 = 0.5;

/// Probability from which a sentence that no rule takes for a question is one.
pub const QUESTION_FROM: f32 = 0.8;
/// The same for action items.
pub const ACTION_ITEM_FROM: f32 = 0.9;
/// The same for follow-ups.
pub const FOLLOW_UP_FROM: f32 = 0.6;

/// How much the rules' polarity counts, and how much ours.
const RULES_SHARE: f64 = 0.8;
const OWN_SHARE: f64 = 0.4;

static HEADS: LazyLock<Heads> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/leanings.json")).unwrap_or_default());

/// Probabilities, each for itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leanings {
    /// That it asks.
    pub question: f32,
    /// That somebody is to do something.
    pub action_item: f32,
    /// That the parties are to be in touch again.
    pub follow_up: f32,
    /// That the speaker is pleased.
    pub positive: f32,
    /// That the speaker is displeased.
    pub negative: f32,
}

impl Leanings {
    /// Returns the polarity that the probabilities speak for, -1 to 1.
    pub fn polarity(&self) -> f32 {
        self.positive - self.negative
    }

    /// Returns the polarity that the rules' one and these probabilities make together, -1 to 1.
    pub fn polarity_with(&self, rules: f64) -> f64 {
        (RULES_SHARE * rules + OWN_SHARE * f64::from(self.polarity())).clamp(-1.0, 1.0)
    }
}

/// The learned weights, as they stand in the data file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Heads {
    /// Words, word pairs ("going_to") and beginnings ("^can_you") that count.
    pub grams: Vec<String>,
    /// One head a leaning: question, action item, follow-up, positive, negative.
    pub heads: Vec<Head>,
}

/// One logistic regression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// What it looks for.
    pub name: String,
    /// Log odds of a sentence without features.
    pub bias: f32,
    /// One weight for every number of the vector, then one for every gram.
    pub weights: Vec<f32>,
}

impl Heads {
    /// Returns what a sentence shows: the vector's numbers, then whether each gram is there.
    pub fn features(&self, vector: &Vector, text: &str) -> Vec<f32> {
        let present = grams(text);
        let known = self.grams.iter().map(|gram| if present.contains(gram) { GRAM_SCALE } else { 0.0 });
        vector.values().iter().map(|value| value * VECTOR_SCALE).chain(known).collect()
    }

    /// Returns the probability of every head.
    pub fn probabilities(&self, features: &[f32]) -> Vec<f32> {
        self.heads.iter().map(|head| head.probability(features)).collect()
    }
}

impl Head {
    /// Returns the probability that the head sees in `features`.
    pub fn probability(&self, features: &[f32]) -> f32 {
        let sum: f32 = self.weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum();
        1.0 / (1.0 + (-(sum + self.bias)).exp())
    }
}

/// Returns what `text` probably is; `vector` is its meaning. Takes some microseconds.
pub fn of(vector: &Vector, text: &str) -> Leanings {
    let heads = &*HEADS;
    let probabilities = heads.probabilities(&heads.features(vector, text));
    let probability = |index: usize| probabilities.get(index).copied().unwrap_or(0.0);
    Leanings {
        question: probability(0),
        action_item: probability(1),
        follow_up: probability(2),
        positive: probability(3),
        negative: probability(4),
    }
}

/// Returns the words of `text`, its neighbouring pairs, and its beginning.
fn grams(text: &str) -> HashSet<String> {
    let words = words(text);
    let mut grams = HashSet::new();
    for word in &words {
        grams.insert(word.plain.clone());
    }
    for pair in words.windows(2) {
        grams.insert(format!("{}_{}", pair[0].plain, pair[1].plain));
    }
    if let Some(first) = words.first() {
        grams.insert(format!("^{}", first.plain));
    }
    if let [first, second, ..] = &words[..] {
        grams.insert(format!("^{}_{}", first.plain, second.plain));
    }
    grams
}

/// Returns the `most` commonest grams of `texts`, ties in alphabetical order.
pub fn common_grams<'a>(texts: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for gram in texts.into_iter().flat_map(grams) {
        *counts.entry(gram).or_default() += 1;
    }
    let mut counted: Vec<(String, usize)> = counts.into_iter().collect();
    counted.sort_by(|(gram, count), (other, others)| others.cmp(count).then_with(|| gram.cmp(other)));
    counted.into_iter().take(most).map(|(gram, _)| gram).collect()
}

/// Returns the number of features of a sentence beside `grams`.
pub fn width(grams: &[String]) -> usize {
    WIDTH + grams.len()
}

#[cfg(test)]
mod tests {
    use super::{HEADS, Leanings, common_grams, of, width};
    use crate::engine::meaning::{Vector, WIDTH, tests::installed};

    #[test]
    fn the_data_file_has_every_head_in_order() {
        let names: Vec<&str> = HEADS.heads.iter().map(|head| head.name.as_str()).collect();
        assert_eq!(names, super::fit::LABELS);
        assert!(HEADS.heads.iter().all(|head| head.weights.len() == width(&HEADS.grams)));
    }

    #[test]
    fn plain_sentences_lean_as_they_should() {
        let Some(meaning) = installed() else { return };
        let leanings = |text: &str| of(&meaning.vector(text).unwrap(), text);
        assert!(leanings("what time do you open tomorrow").question > 0.5);
        assert!(leanings("i will send you the form this afternoon").action_item > 0.5);
        assert!(leanings("i'll call you back on monday").follow_up > 0.5);
        assert!(leanings("thank you so much you have been wonderful").polarity() > 0.3);
        assert!(leanings("this is terrible and i am really angry").polarity() < -0.3);
        let plain = leanings("my name is on the account");
        assert!(plain.question < 0.5 && plain.action_item < 0.5 && plain.follow_up < 0.5);
    }

    #[test]
    fn nothing_leans_nowhere_surprising() {
        let Leanings { question, follow_up, .. } = of(&Vector::pointing_along([0.0; WIDTH]), "");
        assert!((0.0..=1.0).contains(&question) && follow_up < 0.5);
    }

    #[test]
    fn grams_are_counted_once_a_text_and_sorted() {
        assert_eq!(common_grams(["can you you", "can i"], 3), ["^can", "can", "^can_i"]);
    }
}
