//! A hypothesis' text made ready for clients: words with times, unpunctuated text, the stable part of a partial.

use std::ops::Range;

use super::samples_to_ms;

/// One word of a final transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As in the punctuated text, without the punctuation around it.
    pub word: String,
    /// Beginning, in milliseconds since the leg's first sample.
    pub start_ms: u64,
    /// End, in milliseconds since the leg's first sample.
    pub end_ms: u64,
}

/// Splits `text` into words, without the punctuation around them. Dashes between words separate.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\u{2014}' | '\u{2013}'))
        .flat_map(|chunk| chunk.split("--"))
        .map(trim_punctuation)
        .filter(|word| !word.is_empty())
}

/// Keeps what belongs to a word at its edges: letters, digits, and the signs of money and shares.
fn trim_punctuation(word: &str) -> &str {
    let start =
        word.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '$' | '£' | '€' | '#'));
    start.trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '%' | '$' | '€'))
}

/// Returns `text` in lower case and without punctuation.
pub fn unpunctuated(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in words(text) {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(word.chars().flat_map(char::to_lowercase));
    }
    plain
}

/// Returns a partial's text without the full stop that the model puts after every text.
pub fn without_final_punctuation(text: &str) -> &str {
    text.trim_end_matches(|c: char| {
        matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | '-' | '\u{2026}') || c.is_whitespace()
    })
}

/// Words at a partial's end that are likely to change.
const UNSTABLE_WORDS: usize = 2;

/// Returns the length in bytes of the beginning of `now` that is unlikely to change: the words it shares with the
/// partial before it, without the last two.
pub fn stable_prefix(before: &str, now: &str) -> usize {
    let ends: Vec<usize> = word_ends(now).collect();
    let shared =
        before.split_whitespace().zip(now.split_whitespace()).take_while(|(a, b)| same_word(a, b)).count();
    let stable = shared.min(ends.len().saturating_sub(UNSTABLE_WORDS));
    stable.checked_sub(1).map_or(0, |last| ends[last])
}

fn same_word(a: &str, b: &str) -> bool {
    trim_punctuation(a).eq_ignore_ascii_case(trim_punctuation(b))
}

fn word_ends(text: &str) -> impl Iterator<Item = usize> {
    text.split_whitespace().map(|word| word.as_ptr().addr() - text.as_ptr().addr() + word.len())
}

/// Spreads the words of `text` over the `voiced` sample ranges, each in proportion to its length.
///
/// An estimate: some 0.15 s off in the middle of a phrase, less beside pauses.
pub fn timed_words(text: &str, voiced: &[Range<u64>]) -> Vec<Word> {
    let words: Vec<&str> = words(text).collect();
    let weight = |word: &str| word.chars().count() as u64 + 1;
    let total: u64 = words.iter().map(|word| weight(word)).sum();
    let talked: u64 = voiced.iter().map(|range| range.end - range.start).sum();
    let mut done = 0;
    words
        .into_iter()
        .map(|word| {
            let from = talked * done / total;
            done += weight(word);
            let to = talked * done / total;
            Word {
                word: word.to_owned(),
                start_ms: samples_to_ms(position(voiced, from, true)),
                end_ms: samples_to_ms(position(voiced, to, false)),
            }
        })
        .collect()
}

/// Returns the sample index after `talked` samples of voice. At a pause: its end for a `beginning`, else its start.
fn position(voiced: &[Range<u64>], talked: u64, beginning: bool) -> u64 {
    let mut left = talked;
    for range in voiced {
        let length = range.end - range.start;
        if left < length || (left == length && !beginning) {
            return range.start + left;
        }
        left -= length;
    }
    voiced.last().map_or(0, |range| range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_keeps_what_belongs_to_words() {
        let text = "Well\u{2014}that's $4.50, or 20%... isn't it, \"Mr. O'Brien\"? Re-do -- now!";
        assert_eq!(unpunctuated(text), "well that's $4.50 or 20% isn't it mr o'brien re-do now");
    }

    #[test]
    fn partials_lose_their_full_stop_and_their_last_words_are_unstable() {
        assert_eq!(without_final_punctuation("I want my money. "), "I want my money");
        let before = "I want my many";
        let now = "I want my money back now";
        assert_eq!(&now[..stable_prefix(before, now)], "I want my");
        assert_eq!(stable_prefix("", now), 0);
        assert_eq!(stable_prefix("I want", "I want"), 0);
    }

    #[test]
    fn word_times_skip_pauses_and_stay_inside_the_voice() {
        let voiced = [16_000..24_000, 48_000..56_000];
        let times: Vec<_> =
            timed_words("abc abc abc abc", &voiced).into_iter().map(|w| (w.start_ms, w.end_ms)).collect();
        assert_eq!(times, [(1000, 1250), (1250, 1500), (3000, 3250), (3250, 3500)]);
        assert!(timed_words("", &voiced).is_empty());
        assert_eq!(timed_words("hm", &[])[0].end_ms, 0);
    }
}
