//! Dates of birth, and when a payment card expires.

use super::numbers::{self, Chunk};
use super::subject::{self, Subject};
use super::words::{Words, is_hesitation, is_month, one_of};
use super::{EntityKind, Found};

/// Words between a date and the word that tells what it is.
const REACH: usize = 10;
/// Two-digit years of cards that are in use.
const CARD_YEARS: std::ops::RangeInclusive<u32> = 20..=45;

/// What a date names.
#[derive(Debug, Clone, Copy)]
struct Date {
    first: usize,
    last: usize,
    day: bool,
    year: Option<u32>,
}

/// Finds dates of birth and cards' expiry dates.
pub(super) fn find(words: &Words<'_>, chunks: &[Chunk], asked: Option<Subject>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let Some(date) = date_at(words, index) else {
            index += 1;
            continue;
        };
        if let Some(kind) = kind_of(words, date, asked) {
            let mut first = date.first;
            let back = |count: usize| date.first.checked_sub(count).map_or("", |index| words.at(index));
            if (back(2), back(1)) == ("end", "of") {
                first -= if back(3) == "the" { 3 } else { 2 };
            }
            found.push(Found::of(words, kind, first, date.last));
        }
        index = date.last + 1;
    }
    for chunk in chunks {
        if let Some(hit) = digits_of_birth(words, chunk, asked) {
            found.push(hit);
        }
    }
    found
}

fn kind_of(words: &Words<'_>, date: Date, asked: Option<Subject>) -> Option<EntityKind> {
    let before = subject::before(words, date.first, REACH);
    let after = subject::after(words, date.last, REACH);
    let is = |wanted: Subject| {
        before == Some(wanted)
            || (after == Some(wanted)
                && before.is_none_or(|other| other != Subject::Expiry && other != Subject::Birth))
    };
    let asked_for = |wanted: Subject| {
        asked == Some(wanted)
            && !matches!(before, Some(Subject::Expiry | Subject::Birth))
            && date.first <= REACH
    };
    let current = date.year.is_none_or(|year| (2015..2060).contains(&year) || CARD_YEARS.contains(&year));
    if date.year.is_some() && !date.day {
        let expires = is(Subject::Expiry) || asked_for(Subject::Expiry);
        let near_card = before == Some(Subject::Card) && words.gap_before(date.last) == "/";
        if current && (expires || near_card) && !something_else_expires(words, date.first) {
            return Some(EntityKind::CardExpiration);
        }
        return (is(Subject::Birth) || asked_for(Subject::Birth)).then_some(EntityKind::DateOfBirth);
    }
    if is(Subject::Birth) || asked_for(Subject::Birth) {
        return Some(EntityKind::DateOfBirth);
    }
    None
}

/// Whether a contract, a licence or the like is what expires.
pub(super) fn something_else_expires(words: &Words<'_>, index: usize) -> bool {
    let before = index.saturating_sub(12)..index;
    let mut other = false;
    for word in before.map(|index| words.at(index)) {
        if matches!(word, "card" | "visa" | "mastercard" | "amex" | "cvv") {
            return false;
        }
        other |= one_of(
            word,
            "contract lease policy warranty trial subscription passport license offer coupon promo \
            promotion plan quote membership coverage insurance points certificate domain password link \
            permit prescription registration voucher rate agreement credit credits discount deal",
        );
    }
    other
}

/// Whether digits are a month and a year as on cards: "0428", "428", "042028".
pub(super) fn is_month_and_year(digits: &str) -> bool {
    let split = if digits.len().is_multiple_of(2) { 2 } else { 1 };
    let (Some(month), Some(year)) = (digits.get(..split), digits.get(split..)) else { return false };
    let month = month.parse().unwrap_or(0);
    let year: u32 = year.parse().unwrap_or(0);
    (1..=12).contains(&month) && (CARD_YEARS.contains(&year) || (2020..2046).contains(&year))
}

fn ordinal(words: &Words<'_>, index: usize) -> Option<usize> {
    let word = words.at(index);
    let small = one_of(
        word,
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth \
            thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth \
            thirtieth twenty-first",
    );
    if small {
        return Some(index);
    }
    if matches!(word, "twenty" | "thirty") {
        let next = words.at(index + 1);
        return matches!(
            next,
            "first" | "second" | "third" | "fourth" | "fifth" | "sixth" | "seventh" | "eighth" | "ninth"
        )
        .then_some(index + 1);
    }
    let digits = word.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let ending = &word[digits.len()..];
    (matches!(ending, "st" | "nd" | "rd" | "th") && matches!(digits.len(), 1 | 2)).then_some(index)
}

/// A day of the month in any form: its last word.
fn day(words: &Words<'_>, index: usize) -> Option<usize> {
    if let Some(last) = ordinal(words, index) {
        return Some(last);
    }
    let (value, last) = small_number(words, index)?;
    (1..=31).contains(&value).then_some(last)
}

/// A number below one hundred: its value and last word.
fn small_number(words: &Words<'_>, index: usize) -> Option<(u32, usize)> {
    let word = words.at(index);
    let value = |digits: &str| digits.parse::<u32>().ok();
    if let Some(digit) = numbers::tens(word) {
        return match numbers::unit(words.at(index + 1)).filter(|&digit| digit != '0') {
            Some(second) if !words.sentence_before(index + 1) => {
                Some((value(&format!("{digit}{second}"))?, index + 1))
            }
            _ => Some((value(&format!("{digit}0"))?, index)),
        };
    }
    if let Some(digits) = numbers::teen(word) {
        return Some((value(digits)?, index));
    }
    if matches!(word, "oh" | "zero" | "o") {
        let digit = numbers::unit(words.at(index + 1))?;
        return Some((digit.to_digit(10)?, index + 1));
    }
    if let Some(digit) = numbers::unit(word) {
        return Some((digit.to_digit(10)?, index));
    }
    (word.len() == 2).then(|| value(word)).flatten().map(|value| (value, index))
}

/// A year, with the words that lead to it ("back in sixty one"): its value and last word.
fn year(words: &Words<'_>, start: usize) -> Option<(u32, usize)> {
    let mut index = start;
    while index < start + 4
        && (matches!(words.at(index), "in" | "back" | "of" | "the" | "year" | "and" | "like" | "way")
            || is_hesitation(words.at(index)))
    {
        index += 1;
    }
    let word = words.at(index);
    if word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        let value = word.parse().ok()?;
        return (1900..2060).contains(&value).then_some((value, index));
    }
    if matches!((word, words.at(index + 1)), ("two", "thousand")) {
        let next = index + 2 + usize::from(words.at(index + 2) == "and");
        return match small_number(words, next) {
            Some((value, last)) => Some((2000 + value, last)),
            None => Some((2000, index + 1)),
        };
    }
    if matches!((word, words.at(index + 1)), ("nineteen", "hundred")) {
        let next = index + 2 + usize::from(words.at(index + 2) == "and");
        return small_number(words, next).map(|(value, last)| (1900 + value, last));
    }
    if matches!(word, "nineteen" | "twenty")
        && let Some((value, last)) = small_number(words, index + 1)
    {
        let two_digits = value > 9 || matches!(words.at(index + 1), "oh" | "o" | "zero");
        if two_digits {
            return Some((if word == "nineteen" { 1900 } else { 2000 } + value, last));
        }
    }
    let (value, last) = small_number(words, index)?;
    let two_digits =
        value > 9 || matches!(word, "oh" | "o" | "zero") || (word.len() == 2 && word.starts_with('0'));
    two_digits.then_some((value, last))
}

fn date_at(words: &Words<'_>, index: usize) -> Option<Date> {
    written(words, index).or_else(|| month_first(words, index)).or_else(|| day_first(words, index))
}

/// "04/12/1975", "4-12-75", "09/27", "nine slash twenty seven".
fn written(words: &Words<'_>, index: usize) -> Option<Date> {
    let part = |index: usize| {
        let word = words.at(index);
        (word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| word.parse::<u32>().ok())
            .flatten()
    };
    let said_slash = |index: usize| matches!(words.at(index), "slash" | "stroke");
    if let Some((month, month_end)) = small_number(words, index)
        && said_slash(month_end + 1)
    {
        let (second, second_end) =
            year(words, month_end + 2).or_else(|| small_number(words, month_end + 2))?;
        if said_slash(second_end + 1) {
            let (year, last) = year(words, second_end + 2)?;
            return Some(Date { first: index, last, day: true, year: Some(year) });
        }
        let valid = (1..=12).contains(&month);
        return valid.then_some(Date { first: index, last: second_end, day: false, year: Some(second) });
    }
    if let Some((month, month_end)) = small_number(words, index)
        && words.at(month_end + 1) == "of"
        && !is_month(words.at(month_end + 2))
    {
        let (value, last) = year(words, month_end + 2)?;
        return (1..=12).contains(&month).then_some(Date {
            first: index,
            last,
            day: false,
            year: Some(value),
        });
    }
    let first = part(index)?;
    let gap = words.gap_before(index + 1).trim();
    if !matches!(gap, "/" | "-" | ".") {
        return None;
    }
    let second = part(index + 1)?;
    if words.gap_before(index + 2).trim() == gap
        && let Some(year) = part(index + 2)
    {
        let valid = (first <= 31 && second <= 31) || first > 1900;
        return valid.then_some(Date { first: index, last: index + 2, day: true, year: Some(year) });
    }
    let month_and_year =
        gap != "." && (1..=12).contains(&first) && matches!(words.at(index + 1).len(), 2 | 4);
    if month_and_year && (gap == "/" || words.at(index + 1).len() == 4 || words.at(index).len() == 2) {
        return Some(Date { first: index, last: index + 1, day: false, year: Some(second) });
    }
    (gap == "/" && first <= 31 && second <= 31).then_some(Date {
        first: index,
        last: index + 1,
        day: true,
        year: None,
    })
}

/// "march third nineteen eighty two", "april of twenty twenty eight".
fn month_first(words: &Words<'_>, index: usize) -> Option<Date> {
    if !is_month(words.at(index)) {
        return None;
    }
    let day_start = index + 1 + usize::from(words.at(index + 1) == "the");
    if let Some((value, last)) = year(words, index + 1)
        && (value > 31 || ordinal(words, day_start).is_none())
    {
        let full = value > 1000 || year(words, last + 1).is_none();
        let after_day = value <= 31 && year(words, last + 1).is_some();
        if full && !after_day {
            return Some(Date { first: index, last, day: false, year: Some(value) });
        }
    }
    let day_end = day(words, day_start)?;
    match year(words, day_end + 1) {
        Some((value, last)) => Some(Date { first: index, last, day: true, year: Some(value) }),
        None => Some(Date { first: index, last: day_end, day: true, year: None }),
    }
}

/// "the fourteenth of february back in sixty one", "3 March 1982".
fn day_first(words: &Words<'_>, index: usize) -> Option<Date> {
    let start = index + usize::from(words.at(index) == "the");
    let day_end = day(words, start)?;
    let mut month = day_end + 1;
    while month <= day_end + 3 && (matches!(words.at(month), "of" | "day") || is_hesitation(words.at(month)))
    {
        month += 1;
    }
    if !is_month(words.at(month)) {
        let by_number = month + usize::from(words.at(month) == "the");
        let month_end =
            ordinal(words, by_number).filter(|_| by_number > day_end + 1 && words.at(day_end + 1) == "of")?;
        let (value, last) = year(words, month_end + 1)?;
        return Some(Date { first: index, last, day: true, year: Some(value) });
    }
    let (last, year) = year(words, month + 1).map_or((month, None), |(value, last)| (last, Some(value)));
    Some(Date { first: index, last, day: true, year })
}

/// A birth date read out in numbers ("oh four twelve seventy five"), or only its year.
fn digits_of_birth(words: &Words<'_>, chunk: &Chunk, asked: Option<Subject>) -> Option<Found> {
    if super::classify::measures(words, chunk.last()) {
        return None;
    }
    let before = subject::before(words, chunk.first(), REACH);
    let after = subject::after(words, chunk.last(), REACH);
    let birth = before == Some(Subject::Birth)
        || (after == Some(Subject::Birth) && before.is_none())
        || (asked == Some(Subject::Birth) && before.is_none_or(|subject| subject == Subject::SomeNumber));
    if !birth {
        return None;
    }
    let digits = chunk.digits();
    let number = |range: std::ops::Range<usize>| {
        digits.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0)
    };
    let in_year = |year: u32| (1900..2030).contains(&year);
    let valid = match digits.len() {
        8 => in_year(number(4..8)) || in_year(number(0..4)),
        7 => in_year(number(3..7)),
        6 => (number(0..2) <= 31 && number(2..4) <= 31) || in_year(number(2..6)),
        5 => number(0..1) > 0 && number(1..3) <= 31,
        4 => in_year(number(0..4)) || (chunk.elements.len() >= 3 && number(0..1) > 0),
        2 => {
            let lead = chunk.first().checked_sub(1).map_or("", |index| words.at(index));
            let further = chunk.first().saturating_sub(4)..chunk.first();
            lead == "in" && further.into_iter().any(|index| words.at(index) == "born")
        }
        _ => false,
    };
    valid.then(|| Found::of(words, EntityKind::DateOfBirth, chunk.first(), chunk.last()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_order() {
        for (text, expected) in [
            ("march third nineteen eighty two", 4),
            ("the fourteenth of february back in sixty one", 7),
            ("march 3rd, 1982", 2),
            ("3 march 82", 2),
            ("04/12/1975", 2),
            ("oh nine slash twenty seven", 4),
            ("april of twenty twenty eight", 4),
            ("september two thousand twenty seven", 4),
        ] {
            let words = Words::of(text);
            assert_eq!(date_at(&words, 0).map(|date| date.last), Some(expected), "{text}");
        }
        assert!(date_at(&Words::of("marching on"), 0).is_none());
    }
}
