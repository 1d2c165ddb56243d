//! Numbers in words to digits.

use crate::engine::number_words::small_number;

/// Replaces numbers by their digits, one word a digit; an ordinal gets "th" after them.
pub(super) fn digits_of_numbers(words: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(words.len());
    let mut rest = words;
    let mut after_digit = false;
    while let Some((word, after)) = rest.split_first() {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            push_digits(word, &mut out);
            (rest, after_digit) = (after, true);
        } else if let Some(spoken) = Spoken::read(rest) {
            push_digits(&spoken.value.to_string(), &mut out);
            out.extend(spoken.ordinal.then(|| "th".to_owned()));
            (rest, after_digit) = (&rest[spoken.length..], true);
        } else if word == "double" && Spoken::read(after).is_some_and(|next| next.value < 10) {
            // "double five": the five comes again.
            let again = Spoken::read(after).map_or(0, |next| next.value);
            push_digits(&again.to_string(), &mut out);
            (rest, after_digit) = (after, true);
        } else if word == "oh" && after_digit && after.first().is_none_or(|next| is_number(next)) {
            out.push("0".to_owned());
            rest = after;
        } else {
            out.push(word.clone());
            (rest, after_digit) = (after, false);
        }
    }
    out
}

fn push_digits(digits: &str, out: &mut Vec<String>) {
    out.extend(digits.chars().map(String::from));
}

fn is_number(word: &str) -> bool {
    word == "oh"
        || Spoken::read(&[word.to_owned()]).is_some()
        || word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number at the beginning of some words.
struct Spoken {
    value: u64,
    ordinal: bool,
    /// Words that it takes.
    length: usize,
}

impl Spoken {
    fn read(words: &[String]) -> Option<Self> {
        let mut length = 0;
        // "a hundred" is "one hundred".
        if words.first().is_some_and(|word| word == "a") {
            match words.get(1).map(String::as_str) {
                Some("hundred" | "thousand" | "million") => length = 1,
                _ => return None,
            }
        }
        let (mut total, mut part, mut any) = (0_u64, 0_u64, false);
        let mut ordinal = false;
        while let Some(word) = words.get(length).filter(|_| !ordinal) {
            if word == "and" {
                // Only inside a number: "seven hundred and twenty".
                let inside = any && part % 100 == 0;
                let small = words.get(length + 1).and_then(|next| small_number(next)).is_some();
                if !(inside && (part > 0 || total > 0) && small) {
                    break;
                }
            } else if let Some((value, is_ordinal)) = small_number(word) {
                let fits = if value < 10 { part % 10 == 0 && part % 100 != 10 } else { part % 100 == 0 };
                let zero_alone = value == 0 && any;
                if any && (!fits || zero_alone || (part == 0 && total == 0)) {
                    break;
                }
                part += value;
                ordinal = is_ordinal;
            } else if let Some((value, is_ordinal)) = scale(word) {
                if value == 100 {
                    if part >= 100 {
                        break;
                    }
                    part = part.max(1) * 100;
                } else {
                    total += part.max(1) * value;
                    part = 0;
                }
                ordinal = is_ordinal;
            } else {
                break;
            }
            any = true;
            length += 1;
        }
        // "seven hundred and" leaves its "and" to what follows; "and" is only passed when a number follows it.
        any.then_some(Self { value: total + part, ordinal, length })
    }
}

fn scale(word: &str) -> Option<(u64, bool)> {
    match word {
        "hundred" => Some((100, false)),
        "hundredth" => Some((100, true)),
        "thousand" => Some((1000, false)),
        "thousandth" => Some((1000, true)),
        "million" => Some((1_000_000, false)),
        _ => None,
    }
}
