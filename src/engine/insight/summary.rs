//! The sentences that say most.
//!
//! Extractive: sentences are picked, never written. One that holds topics, was found to ask, promise or agree on
//! something, and is of a telling length comes first; one that repeats a picked sentence is passed over.

use std::collections::HashSet;

/// Words of a sentence that is neither a fragment nor a ramble.
const GOOD_LENGTH: std::ops::RangeInclusive<usize> = 7..=32;
/// Sentences that share more of their words than this say the same.
const SAME: f64 = 0.6;
/// The share of a conversation at its start in which people say why they call.
const OPENING: f64 = 0.25;

/// A sentence that may go into the summary.
#[derive(Debug, Clone, Copy)]
pub struct Sentence<'a> {
    /// What was said.
    pub text: &'a str,
    /// The topics in it, each counted with its score.
    pub topic_weight: f64,
    /// Whether it asks, promises or agrees on something.
    pub has_intent: bool,
}

/// Returns the indices of the sentences that say most, in order of time; `most` at most.
pub fn extract(sentences: &[Sentence<'_>], most: usize) -> Vec<usize> {
    let words: Vec<HashSet<String>> = sentences.iter().map(|sentence| telling_words(sentence.text)).collect();
    let mut ranked: Vec<(f64, usize)> = sentences
        .iter()
        .enumerate()
        .map(|(index, sentence)| (weight(sentence, index, sentences.len(), words[index].len()), index))
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    ranked.sort_unstable_by(|(a, a_index), (b, b_index)| b.total_cmp(a).then(a_index.cmp(b_index)));
    let mut picked: Vec<usize> = Vec::new();
    for (_, index) in ranked {
        if picked.len() == most {
            break;
        }
        if !picked.iter().any(|&other| likeness(&words[index], &words[other]) > SAME) {
            picked.push(index);
        }
    }
    picked.sort_unstable();
    picked
}

/// Returns how much a sentence says, 0 for one that says nothing worth repeating.
fn weight(sentence: &Sentence<'_>, index: usize, count: usize, telling: usize) -> f64 {
    if telling < 2 {
        return 0.0;
    }
    let length = sentence.text.split_whitespace().count();
    let fits = if GOOD_LENGTH.contains(&length) { 1.0 } else { 0.5 };
    let topics = if sentence.topic_weight.is_finite() { sentence.topic_weight.clamp(0.0, 3.0) } else { 0.0 };
    let intent = if sentence.has_intent { 0.8 } else { 0.0 };
    let opening = if (index as f64) < count as f64 * OPENING { 0.4 } else { 0.0 };
    fits * (topics + intent + opening + 0.03 * telling.min(12) as f64)
}

/// Returns the words that carry meaning: longer than three letters or with a digit, and none of the courtesies.
fn telling_words(text: &str) -> HashSet<String> {
    const EMPTY: [&str; 44] = [
        "that", "this", "with", "have", "what", "will", "your", "from", "they", "them", "then", "there",
        "here", "were", "been", "just", "like", "know", "mean", "yeah", "okay", "well", "thank", "thanks",
        "please", "sorry", "hello", "great", "good", "perfect", "right", "sure", "calling", "help", "today",
        "when", "would", "could", "about", "some", "going", "really", "awesome", "welcome",
    ];
    text.split(|symbol: char| !symbol.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 3 || word.chars().any(char::is_numeric))
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .collect()
}

/// Returns the share of the shorter sentence's words that the other has too.
fn likeness(one: &HashSet<String>, other: &HashSet<String>) -> f64 {
    let shorter = one.len().min(other.len());
    if shorter == 0 { 0.0 } else { one.intersection(other).count() as f64 / shorter as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: [(&str, f64, bool); 7] = [
        ("Thank you for calling, how can I help you today?", 0.0, true),
        ("My internet has been down since yesterday and the router blinks red.", 1.2, false),
        ("Okay.", 0.0, false),
        ("The router blinks red and the internet has been down since yesterday.", 1.2, false),
        ("It looks like the router needs a firmware update before anything else.", 0.9, false),
        ("Yeah, uh huh, right, sure.", 0.0, false),
        ("I will send a technician with a replacement router on Thursday.", 1.0, true),
    ];

    fn sentences() -> Vec<Sentence<'static>> {
        CALL.iter()
            .map(|&(text, topic_weight, has_intent)| Sentence { text, topic_weight, has_intent })
            .collect()
    }

    #[test]
    fn the_telling_sentences_are_picked_once_and_in_order() {
        assert_eq!(extract(&sentences(), 3), [1, 4, 6]);
    }

    #[test]
    fn courtesies_are_never_picked_however_many_are_asked_for() {
        let picked = extract(&sentences(), 10);
        assert!(!picked.contains(&0) && !picked.contains(&2) && !picked.contains(&5), "{picked:?}");
        assert_eq!(extract(&[], 3), [] as [usize; 0]);
        assert_eq!(extract(&sentences(), 0), [] as [usize; 0]);
    }
}
