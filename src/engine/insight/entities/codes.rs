//! Codes of letters and digits: bank accounts abroad, banks, passports, driver's licences.

use super::numbers;
use super::subject::{self, Subject};
use super::words::{Words, is_hesitation, is_letter};
use super::{EntityKind, Found, checks};

/// Words before a code that may tell what it is.
const REACH: usize = 8;

/// One word's part of a code, letters and digits, and its last word.
fn part(words: &Words<'_>, index: usize) -> Option<(String, usize)> {
    let word = words.at(index);
    if matches!(word, "iban" | "bic" | "swift") {
        return None;
    }
    if let Some(digits) = numbers::tens(word) {
        return match numbers::unit(words.at(index + 1)).filter(|&digit| digit != '0') {
            Some(second) => Some((format!("{digits}{second}"), index + 1)),
            None => Some((format!("{digits}0"), index)),
        };
    }
    if let Some(digits) = numbers::teen(word) {
        return Some((digits.to_owned(), index));
    }
    if let Some(digit) = numbers::unit(word) {
        return Some((digit.to_string(), index));
    }
    if matches!(word, "double" | "triple") {
        let next = words.at(index + 1);
        let character = numbers::unit(next).or_else(|| next.chars().next().filter(|_| is_letter(next)))?;
        return Some((character.to_string().repeat(if word == "double" { 2 } else { 3 }), index + 1));
    }
    let code = word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (is_letter(word) || word.bytes().any(|byte| byte.is_ascii_digit()) || is_capitals(words, index));
    code.then(|| (word.to_owned(), index))
}

fn is_capitals(words: &Words<'_>, index: usize) -> bool {
    words.list.get(index).is_some_and(|word| {
        let written = &words.text[word.range.clone()];
        written.len() >= 2 && written.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

/// Finds every code.
pub(super) fn find(words: &Words<'_>, asked: Option<Subject>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let mut code = String::new();
        let mut last = index;
        let mut next = index;
        while next < words.len() && code.len() <= 34 {
            if next > index && is_hesitation(words.at(next)) {
                next += 1;
                continue;
            }
            let names_another = matches!(words.at(next), "iban" | "bic" | "swift");
            if next > index && (names_another || words.gap_before(next).contains(['@', '/', ':'])) {
                break;
            }
            let Some((more, end)) = part(words, next) else { break };
            code.push_str(&more);
            last = end;
            next = end + 1;
            if checks::iban(&code) && code.bytes().take(2).all(|byte| byte.is_ascii_alphabetic()) {
                break;
            }
        }
        if code.is_empty() {
            index += 1;
            continue;
        }
        if let Some(kind) = kind_of(words, index, last, &code, asked) {
            found.push(Found::of(words, kind, index, last));
            index = last + 1;
        } else {
            index += 1;
        }
        if code.len() > 1 && index <= last && !code.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            index = last + 1;
        }
    }
    found
}

fn kind_of(
    words: &Words<'_>,
    first: usize,
    last: usize,
    code: &str,
    asked: Option<Subject>,
) -> Option<EntityKind> {
    let lettered = code.bytes().take(2).all(|byte| byte.is_ascii_alphabetic());
    if lettered && checks::iban(code) {
        return Some(EntityKind::Iban);
    }
    let starts = first == 0 || part(words, first - 1).is_none();
    if !starts || code.len() < 5 {
        return None;
    }
    let said = subject::before(words, first, REACH).filter(|&said| said != Subject::SomeNumber);
    let subject = said.or(asked).or_else(|| subject::after(words, last, REACH))?;
    let digits = code.bytes().filter(u8::is_ascii_digit).count();
    match subject {
        Subject::Bank if lettered && (14..=34).contains(&code.len()) => Some(EntityKind::Iban),
        Subject::Swift
            if matches!(code.len(), 8 | 11)
                && code.bytes().take(6).all(|byte| byte.is_ascii_alphabetic() || byte == b'0') =>
        {
            Some(EntityKind::SwiftCode)
        }
        Subject::Passport if (6..=9).contains(&code.len()) && digits >= 5 => Some(EntityKind::PassportNumber),
        Subject::License if (5..=14).contains(&code.len()) && digits >= 4 => Some(EntityKind::DriversLicense),
        _ => None,
    }
}
