//! Sentences of a recogniser's phrase.
//!
//! Marks decide where there are any; without them pauses and length do. A filler alone is no sentence.

mod cuts;

use std::ops::Range;

/// When a word was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedWord {
    /// Start in milliseconds.
    pub start_ms: u64,
    /// End in milliseconds.
    pub end_ms: u64,
}

/// A sentence's place in its phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Its bytes, from the first letter of its first word to the last of its last.
    pub text: Range<usize>,
    /// Its words, counted by white space.
    pub words: Range<usize>,
}

/// Words of a sentence that stands alone.
const LEAST_WORDS: usize = 2;

/// Returns the sentences in `text`, in order; together they hold every word.
///
/// `words[i]` is the time of the i-th word; without times (or with too few of them) only marks and length count.
pub fn sentences(text: &str, words: &[TimedWord]) -> Vec<Sentence> {
    let spans = word_spans(text);
    if spans.is_empty() {
        return Vec::new();
    }
    let said: Vec<&str> = spans.iter().map(|span| &text[span.clone()]).collect();
    let marked = said.iter().any(|word| word.ends_with(['.', '?', '!', ',']));
    let times = if words.len() == said.len() { words } else { &[] };
    let ends = if marked { cuts::at_marks(&said) } else { cuts::at_pauses(&said, times) };
    joined(&said, &ends)
        .into_iter()
        .map(|words| Sentence { text: spans[words.start].start..spans[words.end - 1].end, words })
        .collect()
}

/// Returns the ranges of words that the ends make, with fragments joined to a neighbour.
fn joined(said: &[&str], ends: &[usize]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for &end in ends.iter().chain(std::iter::once(&said.len())) {
        if end <= start {
            continue;
        }
        let fragment = is_fragment(&said[start..end]);
        if fragment && end < said.len() {
            // Goes with what follows: "Okay. So I called."
            continue;
        }
        match ranges.last_mut() {
            Some(last) if fragment => last.end = end,
            _ => ranges.push(start..end),
        }
        start = end;
    }
    ranges
}

/// Returns whether words are too few or too empty to stand alone.
fn is_fragment(said: &[&str]) -> bool {
    said.len() < LEAST_WORDS || said.len() <= 2 && said.iter().all(|word| is_filler(word))
}

fn is_filler(word: &str) -> bool {
    matches!(
        word.trim_matches(|symbol: char| !symbol.is_alphanumeric()).to_lowercase().as_str(),
        "okay"
            | "ok"
            | "um"
            | "uh"
            | "er"
            | "ah"
            | "oh"
            | "hmm"
            | "mm"
            | "mhm"
            | "yeah"
            | "yes"
            | "yep"
            | "no"
            | "right"
            | "so"
            | "well"
            | "and"
            | "but"
            | "like"
            | "huh"
            | "hm"
            | "alright"
            | "sure"
            | "hi"
            | "hello"
            | "hey"
            | ""
    )
}

/// Returns the bytes of every word between white space.
fn word_spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, symbol) in text.char_indices() {
        match (symbol.is_whitespace(), start) {
            (true, Some(from)) => {
                spans.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    spans.extend(start.map(|from| from..text.len()));
    spans
}

/// Returns `text` with capitals and a full stop or question mark if it has neither; unchanged otherwise.
pub fn punctuate(text: &str, is_question: bool) -> String {
    let trimmed = text.trim();
    if trimmed.is_empty()
        || trimmed.chars().any(char::is_uppercase)
        || trimmed.split_whitespace().any(|word| word.ends_with(['.', '?', '!', ',']))
    {
        return text.to_owned();
    }
    let mut words: Vec<String> = trimmed.split_whitespace().map(capitalised).collect();
    if let Some(first) = words.first_mut() {
        *first = with_capital(first);
        let leads = matches!(first.as_str(), "Okay" | "Yes" | "No" | "Well" | "Yeah" | "Alright");
        if leads && trimmed.split_whitespace().count() > 2 {
            first.push(',');
        }
    }
    words.join(" ") + if is_question { "?" } else { "." }
}

fn capitalised(word: &str) -> String {
    match word {
        "i" | "i'm" | "i'll" | "i've" | "i'd" | "monday" | "tuesday" | "wednesday" | "thursday"
        | "friday" | "saturday" | "sunday" | "january" | "february" | "april" | "june" | "july"
        | "august" | "september" | "october" | "november" | "december" | "english" | "spanish"
        | "christmas" | "thanksgiving" => with_capital(word),
        _ => word.to_owned(),
    }
}

fn with_capital(word: &str) -> String {
    let mut symbols = word.chars();
    symbols.next().map_or_else(String::new, |first| first.to_uppercase().chain(symbols).collect())
}

#[cfg(test)]
mod tests;
