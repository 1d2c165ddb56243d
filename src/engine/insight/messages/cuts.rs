//! Where a sentence may end: after which word.

use super::TimedWord;

/// Silence that ends a sentence whatever was said.
const LONG_PAUSE_MS: u64 = 700;
/// Silence that ends one when the next word begins a clause.
const SHORT_PAUSE_MS: u64 = 350;
/// Words a sentence must hold before a short pause ends it.
const WORDS_BEFORE_SHORT_PAUSE: usize = 6;
/// A sentence of more words, or of a longer time, is cut at its largest pause.
const MOST_WORDS: usize = 30;
const MOST_MS: u64 = 15_000;
/// Words that stay on either side of a cut for length.
const EDGE: usize = 4;

/// Returns the word counts after which a mark ends a sentence.
pub(super) fn at_marks(said: &[&str]) -> Vec<usize> {
    (1..said.len()).filter(|&count| ends_sentence(said[count - 1], said.get(count).copied())).collect()
}

/// Returns whether a word's mark ends a sentence, and not an abbreviation, an initial or a hesitation.
fn ends_sentence(word: &str, next: Option<&str>) -> bool {
    let word = word.trim_end_matches(['"', '\'', ')', '\u{201d}', '\u{2019}']);
    if word.ends_with(['?', '!']) {
        return true;
    }
    if word.ends_with("..") || word.ends_with('\u{2026}') {
        return false;
    }
    let Some(plain) = word.strip_suffix('.') else { return false };
    let letters = plain.trim_start_matches(|symbol: char| !symbol.is_alphanumeric());
    if letters.is_empty() {
        return false;
    }
    let next_is_lower = next.is_some_and(|next| next.starts_with(|symbol: char| symbol.is_lowercase()));
    let initial = letters.chars().count() == 1 && letters.chars().all(char::is_alphabetic);
    // "J. R. Smith", "p.m. on", "U.S. office"; "I." does end a sentence.
    if initial && letters != "I" || letters.contains('.') && next_is_lower {
        return false;
    }
    if is_title(letters) {
        return false;
    }
    // "approx. ten", "No. 5".
    !(next_is_lower && is_abbreviation(letters) || letters == "No" && next.is_some_and(starts_with_digit))
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|symbol: char| symbol.is_ascii_digit())
}

/// Abbreviations that never end a sentence.
fn is_title(word: &str) -> bool {
    matches!(word, "Mr" | "Mrs" | "Ms" | "Dr" | "Prof" | "St" | "Mt" | "Gen" | "Sgt" | "vs" | "e.g" | "i.e")
}

/// Abbreviations that end one only before a capital.
fn is_abbreviation(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "inc"
            | "ltd"
            | "co"
            | "corp"
            | "jr"
            | "sr"
            | "ave"
            | "blvd"
            | "rd"
            | "apt"
            | "dept"
            | "est"
            | "approx"
            | "ext"
            | "no"
            | "etc"
            | "jan"
            | "feb"
            | "mar"
            | "apr"
            | "aug"
            | "sept"
            | "sep"
            | "oct"
            | "nov"
            | "dec"
            | "mon"
            | "tue"
            | "wed"
            | "thu"
            | "fri"
    )
}

/// Returns the word counts after which a pause, or sheer length, ends a sentence.
pub(super) fn at_pauses(said: &[&str], times: &[TimedWord]) -> Vec<usize> {
    let gap = |count: usize| match (times.get(count - 1), times.get(count)) {
        (Some(before), Some(after)) => after.start_ms.saturating_sub(before.end_ms),
        _ => 0,
    };
    let lasts = |from: usize, last: usize| match (times.get(from), times.get(last)) {
        (Some(first), Some(last)) => last.end_ms.saturating_sub(first.start_ms),
        _ => 0,
    };
    let mut ends = Vec::new();
    let mut start = 0;
    let mut count = 1;
    while count < said.len() {
        let held = count - start;
        let short = held >= WORDS_BEFORE_SHORT_PAUSE
            && gap(count) >= SHORT_PAUSE_MS
            && begins_clause(said[count])
            && !leans_on_next(said[count - 1]);
        if gap(count) >= LONG_PAUSE_MS || short {
            ends.push(count);
            start = count;
        } else if held >= MOST_WORDS || held > 2 * EDGE && lasts(start, count) > MOST_MS {
            let cut = (start + EDGE..=count - EDGE)
                .max_by_key(|&at| (gap(at), begins_clause(said[at]) && !leans_on_next(said[at - 1]), at))
                .unwrap_or(count);
            ends.push(cut);
            start = cut;
            // What was looked at after the cut is short of every limit; go on behind it.
        }
        count = (count + 1).max(start + 1);
    }
    ends
}

fn begins_clause(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "i" | "i'm"
            | "i'll"
            | "i've"
            | "we"
            | "we're"
            | "you"
            | "so"
            | "and"
            | "but"
            | "okay"
            | "what"
            | "when"
            | "where"
            | "how"
            | "why"
            | "can"
            | "could"
            | "do"
            | "is"
            | "it's"
            | "that's"
            | "then"
            | "because"
            | "let"
            | "let's"
            | "well"
            | "yeah"
            | "thanks"
            | "please"
    )
}

fn leans_on_next(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "a" | "an"
            | "the"
            | "to"
            | "of"
            | "for"
            | "and"
            | "with"
            | "my"
            | "your"
            | "in"
            | "on"
            | "at"
            | "is"
            | "if"
            | "that"
            | "or"
            | "but"
    )
}
