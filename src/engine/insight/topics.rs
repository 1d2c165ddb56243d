//! What a conversation is about.
//!
//! Candidates are runs of nouns and adjectives up to three words long; a phrase said often, in several messages and of
//! more than one word is a topic. Counts are kept as messages arrive, so asking for the topics never reads them again.

mod phrases;
mod words;

use std::collections::{HashMap, HashSet};

/// Candidates kept at most: about an hour of talk. Beyond it those said once, longest ago, are forgotten.
const CANDIDATES: usize = 6000;
/// Candidates left after forgetting, so that forgetting is rare.
const CANDIDATES_KEPT: usize = 4000;
/// Messages remembered a candidate; the first ones, for a topic's messages are evidence and not a tally.
const MESSAGES_A_CANDIDATE: usize = 500;
/// Wordings of the same stems are few; more are noise.
const WORDINGS_A_CANDIDATE: usize = 8;
/// Every word beyond the first makes a phrase this much more telling.
const LONGER: f64 = 0.9;
/// Every message that holds a phrase adds this share.
const SPREAD: f64 = 0.15;
/// A phrase said once keeps this share.
const SAID_ONCE: f64 = 0.4;
/// A compound that covers this share of its head's uses stands for the head.
const COVERS: f64 = 0.5;
/// The best topic's score and the least.
const SCORE_RANGE: (f64, f64) = (0.35, 0.95);

/// What a conversation is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    /// The stems of its words: the same for every wording, so it names the topic over time.
    pub key: String,
    /// The wording heard most often, in lower case.
    pub phrase: String,
    /// 0.35 to 0.95, the first topic highest.
    pub score: f64,
    /// The words of the phrase.
    pub root_words: Vec<String>,
    /// The messages that hold it, in order, by the index given to [`Topics::add`].
    pub messages: Vec<usize>,
}

#[derive(Debug, Default)]
struct Candidate {
    /// Times said.
    count: u32,
    /// Times said as a whole run of its own or at its end: "bill" in "monthly bill", not in "bill payment".
    heads: u32,
    /// Wordings with how often each was heard.
    wordings: Vec<(String, u32)>,
    messages: Vec<usize>,
    words: usize,
    adjective_first: bool,
    last_message: usize,
    messages_seen: u32,
}

/// The phrases of one conversation. Holds at most 6,000 candidates with at most 500 messages each.
#[derive(Debug, Default)]
pub struct Topics {
    candidates: HashMap<String, Candidate>,
}

impl Topics {
    /// Takes in a message; `message` is its index in the conversation.
    pub fn add(&mut self, message: usize, text: &str) {
        for run in phrases::runs(text) {
            for start in 0..run.len() {
                for end in start + 1..=run.len().min(start + 3) {
                    self.count(message, &run[start..end], end == run.len());
                }
            }
        }
        if self.candidates.len() > CANDIDATES {
            self.forget();
        }
    }

    fn count(&mut self, message: usize, words: &[phrases::Word], at_end: bool) {
        let Some(last) = words.last() else { return };
        // An adjective alone is no topic, nor a phrase that ends in one.
        if last.adjective {
            return;
        }
        if words.len() == 1 && last.vague {
            return;
        }
        let key = words.iter().map(|word| word.stem.as_str()).collect::<Vec<_>>().join(" ");
        let candidate = self.candidates.entry(key).or_default();
        candidate.count += 1;
        candidate.heads += u32::from(at_end);
        candidate.words = words.len();
        candidate.adjective_first = words.first().is_some_and(|word| word.adjective);
        if candidate.messages.last() != Some(&message) && candidate.last_message != message + 1 {
            candidate.messages_seen += 1;
            if candidate.messages.len() < MESSAGES_A_CANDIDATE {
                candidate.messages.push(message);
            }
        }
        // One more than the index, so that 0 means none yet.
        candidate.last_message = message + 1;
        let wording = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        if let Some((_, count)) = candidate.wordings.iter_mut().find(|(known, _)| *known == wording) {
            *count += 1;
        } else if candidate.wordings.len() < WORDINGS_A_CANDIDATE {
            candidate.wordings.push((wording, 1));
        }
    }

    /// Forgets the candidates said least and longest ago.
    fn forget(&mut self) {
        let mut ages: Vec<(u32, usize)> = self
            .candidates
            .values()
            .map(|candidate| (candidate.count.min(4), candidate.last_message))
            .collect();
        let surplus = ages.len().saturating_sub(CANDIDATES_KEPT);
        if surplus == 0 || surplus > ages.len() {
            return;
        }
        let (_, &mut limit, _) = ages.select_nth_unstable(surplus - 1);
        self.candidates.retain(|_, candidate| (candidate.count.min(4), candidate.last_message) > limit);
    }

    /// Returns the topics, the best first, `most` at most.
    pub fn current(&self, most: usize) -> Vec<Topic> {
        let mut ranked: Vec<(f64, &str, &Candidate)> = self
            .candidates
            .iter()
            .map(|(key, candidate)| (self.strength(key, candidate), key.as_str(), candidate))
            .filter(|(strength, ..)| *strength > 0.0)
            .collect();
        // Ties go to what was said first, then to the alphabet: the same conversation always has the same topics.
        ranked.sort_unstable_by(|(a, a_key, a_candidate), (b, b_key, b_candidate)| {
            b.total_cmp(a)
                .then_with(|| a_candidate.messages.cmp(&b_candidate.messages))
                .then_with(|| a_key.cmp(b_key))
        });
        let best = ranked.first().map_or(1.0, |(strength, ..)| *strength);
        let mut kept: Vec<(&str, HashSet<&str>, &Candidate)> = Vec::new();
        let mut topics = Vec::new();
        for (strength, key, candidate) in ranked {
            if topics.len() == most {
                break;
            }
            let stems: HashSet<&str> = key.split(' ').collect();
            if kept.iter().any(|(_, others, other)| says_again(&stems, candidate, others, other)) {
                continue;
            }
            kept.push((key, stems, candidate));
            let (least, top) = SCORE_RANGE;
            topics.push(candidate.topic(key, least + (top - least) * strength / best));
        }
        topics
    }

    /// Returns how telling a candidate is, 0 for one that something else says better.
    fn strength(&self, key: &str, candidate: &Candidate) -> f64 {
        let mut stems = 0.0;
        for stem in key.split(' ') {
            stems += self.candidates.get(stem).map_or(1.0, |single| f64::from(single.count));
        }
        let count = f64::from(candidate.count);
        let longer = if candidate.adjective_first { LONGER * 0.6 } else { LONGER };
        // A third word is hardly worth more, but wins where the phrase is never said without it.
        let long = 1.0
            + longer * (candidate.words.min(2) as f64 - 1.0)
            + if candidate.words > 2 { 0.15 } else { 0.0 };
        let spread = 1.0 + SPREAD * f64::from(candidate.messages_seen.min(20));
        let once = if candidate.count == 1 { SAID_ONCE } else { 1.0 };
        count * long * (stems / candidate.words as f64).sqrt() * spread * once
    }
}

impl Candidate {
    fn topic(&self, key: &str, score: f64) -> Topic {
        let phrase =
            self.wordings.iter().max_by_key(|(_, count)| *count).map_or(key, |(wording, _)| wording.as_str());
        Topic {
            key: key.to_owned(),
            phrase: phrase.to_owned(),
            score: (score * 1000.0).round() / 1000.0,
            root_words: phrase.split(' ').map(str::to_owned).collect(),
            messages: self.messages.clone(),
        }
    }
}

/// Returns whether a candidate adds nothing to a better one.
fn says_again(
    stems: &HashSet<&str>,
    candidate: &Candidate,
    others: &HashSet<&str>,
    other: &Candidate,
) -> bool {
    if stems.is_subset(others) || candidate.words > 2 && other.words > 1 && others.is_subset(stems) {
        // A single word used often on its own is a topic beside its compound.
        return candidate.words > 1 || f64::from(other.count) >= COVERS * f64::from(candidate.count);
    }
    if candidate.count == 1 && stems.len() > 1 && !stems.is_disjoint(others) {
        // Said once with words of a better one: its accident ("separate deductible").
        return true;
    }
    others.is_subset(stems) && candidate.count * 3 < other.count
}

#[cfg(test)]
mod tests;
