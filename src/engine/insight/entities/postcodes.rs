//! Postal codes of letters and digits: British, Irish, Canadian.

use super::numbers;
use super::subject::{self, Subject};
use super::words::{Words, is_hesitation, is_letter};
use super::{EntityKind, Found};

/// Words before a code that may tell that it is one.
const REACH: usize = 6;
/// Characters of the longest code, without its space.
const LONGEST: usize = 7;

/// Finds every postal code with letters in it.
pub(super) fn find(words: &Words<'_>, asked: Option<Subject>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        if let Some(last) = code_at(words, index, asked) {
            found.push(Found::of(words, EntityKind::Address, index, last));
            index = last + 1;
        } else {
            index += 1;
        }
    }
    found
}

/// The last word of a postal code that begins here, written as one or told to be one.
pub(super) fn code_at(words: &Words<'_>, index: usize, asked: Option<Subject>) -> Option<usize> {
    if let Some(last) = written(words, index) {
        return Some(last);
    }
    let told = subject::before(words, index, REACH) == Some(Subject::Zip) || asked == Some(Subject::Zip);
    if told { spelled(words, index) } else { None }
}

/// "SW1A 1AA", "K1A 0B1"; small letters only where nothing else looks like that.
fn written(words: &Words<'_>, index: usize) -> Option<usize> {
    let (one, two) = (words.list.get(index)?, words.list.get(index + 1)?);
    let capitals = |place: usize| {
        let written = &words.text[words.list[place].range.clone()];
        !written.chars().any(char::is_lowercase)
    };
    let capital = capitals(index) && capitals(index + 1);
    let joined = words.gap_before(index + 1) == " ";
    let british = is_outward(&one.lower) && is_inward(&two.lower);
    let unit = matches!(
        two.lower.get(1..),
        Some("am" | "pm" | "gb" | "mb" | "tb" | "mg" | "ml" | "kg" | "km" | "st" | "nd" | "rd" | "th" | "ft")
    );
    let canadian = is_pattern(&one.lower, "a0a") && is_pattern(&two.lower, "0a0");
    (joined && (british && (capital || !unit) || canadian)).then_some(index + 1)
}

/// "l s one four d y", "sw1a 1aa" in any pieces.
fn spelled(words: &Words<'_>, index: usize) -> Option<usize> {
    let mut code = String::new();
    let mut end = None;
    let mut next = index;
    while next < words.len() && code.len() < LONGEST {
        let word = words.at(next);
        if next > index && is_hesitation(word) {
            next += 1;
            continue;
        }
        if is_letter(word) || word.len() <= 4 && word.bytes().any(|byte| byte.is_ascii_digit()) {
            code.push_str(word);
        } else if word == "double" && is_letter(words.at(next + 1)) {
            next += 1;
            code.push_str(&words.at(next).repeat(2));
        } else {
            let Some(element) = numbers::element(words, next) else { break };
            next = element.last;
            code.push_str(&element.digits);
        }
        if is_whole(&code) {
            end = Some(next);
        }
        next += 1;
    }
    end
}

fn is_whole(code: &str) -> bool {
    let british = code.len() >= 5
        && code.is_ascii()
        && is_outward(&code[..code.len() - 3])
        && is_inward(&code[code.len() - 3..]);
    let irish = code.len() == 7
        && code.is_ascii()
        && is_pattern(&code[..1], "a")
        && is_pattern(&code[1..2], "0")
        && code[3..].bytes().all(|byte| byte.is_ascii_alphanumeric());
    british || irish || is_pattern(code, "a0a0a0")
}

/// "sw1a", "ls1", "b33".
fn is_outward(part: &str) -> bool {
    ["a0", "a00", "aa0", "aa00", "a0a", "aa0a"].iter().any(|pattern| is_pattern(part, pattern))
}

fn is_inward(part: &str) -> bool {
    is_pattern(part, "0aa")
}

/// Whether letters stand where the pattern has `a`, and digits where it has `0`.
fn is_pattern(part: &str, pattern: &str) -> bool {
    part.len() == pattern.len()
        && part.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'a' => byte.is_ascii_alphabetic(),
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_their_pattern_or_by_the_word_before() {
        for (text, expected) in [
            ("SW1A 1AA", Some(1)),
            ("bt7 1nn", Some(1)),
            ("K1A 0B1", Some(1)),
            ("b12 4pm", None),
            ("a1 2nd", None),
            ("l s one four d y", None),
        ] {
            assert_eq!(code_at(&Words::of(text), 0, None), expected, "{text}");
        }
        let words = Words::of("postcode l s one four d y please");
        assert_eq!(code_at(&words, 1, None), Some(6));
        assert_eq!(code_at(&Words::of("D02 X285"), 0, Some(Subject::Zip)), Some(1));
    }
}
