//! E-mail addresses, written, spoken, spelled, and mixtures.

use super::numbers;
use super::spelling;
use super::subject::Subject;
use super::words::{
    Words, is_first_name, is_function_word, is_hesitation, is_last_name, is_letter, is_ordinary, one_of,
};
use super::{EntityKind, Found};

/// Words of an address before its "at"; letters and digits of a spelled one don't count.
const MOST_WORDS: usize = 5;

const PROVIDERS: &[&str] = &[
    "gmail",
    "yahoo",
    "hotmail",
    "outlook",
    "icloud",
    "aol",
    "comcast",
    "msn",
    "ymail",
    "protonmail",
    "verizon",
    "sbcglobal",
    "live",
    "mac",
    "att",
    "bellsouth",
    "cox",
    "earthlink",
    "gmx",
    "googlemail",
    "fastmail",
    "mail",
];

/// Finds every e-mail address.
pub(super) fn find(words: &Words<'_>, asked: Option<Subject>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut from = 0;
    for index in 1..words.len() {
        let Some((domain, means_it)) = domain_after(words, index) else { continue };
        let Some(end) = domain_end(words, domain) else { continue };
        let wanted = asked == Some(Subject::Email)
            || (from..index).any(|at| matches!(words.at(at), "email" | "mail" | "emails" | "email's"));
        let trusted = means_it || wanted && PROVIDERS.contains(&words.at(domain));
        if !trusted {
            continue;
        }
        let mut local_end =
            if words.at(index) == "at" || words.at(index) == "add" { index - 1 } else { domain - 1 };
        while local_end > from && (is_hesitation(words.at(local_end)) || words.at(local_end) == "at") {
            local_end -= 1;
        }
        let bare = end == domain;
        let guess = bare
            && !wanted
            && is_ordinary(words.at(local_end))
            && !numbers::is_number_word(words.at(local_end));
        if guess || is_website(words.at(local_end)) {
            continue;
        }
        let written = words.gap_before(domain).contains('@');
        if let Some(first) = local_start(words, from, local_end, wanted, written) {
            found.push(Found::of(words, EntityKind::Email, first, end));
            from = end + 1;
        }
    }
    found
}

/// Where the domain begins if the word at `index` is an "at" (or the first word after an @), and
/// whether that is more than a guess from the provider's name.
fn domain_after(words: &Words<'_>, index: usize) -> Option<(usize, bool)> {
    if words.gap_before(index).trim() == "@" {
        return Some((index, true));
    }
    match words.at(index) {
        "at" => Some((index + 1, true)),
        "add" => Some((index + 1, PROVIDERS.contains(&words.at(index + 1)))),
        word if PROVIDERS.contains(&word)
            && word != "live"
            && word != "mail"
            && words.at(index - 1) != "at" =>
        {
            Some((index, false))
        }
        _ => None,
    }
}

/// Whether a dot stands before this word: said, or written without a space.
fn dot_before(words: &Words<'_>, index: usize) -> bool {
    matches!(words.gap_before(index), "." | " . ")
}

fn is_ending(words: &Words<'_>, index: usize) -> Option<usize> {
    const ENDINGS: &[&str] = &[
        "com", "net", "org", "edu", "gov", "io", "co", "uk", "us", "ca", "info", "biz", "me", "tv", "ai",
        "app", "dev", "de", "fr", "eu", "au", "mil", "online", "store", "nz", "ie", "in", "mx", "es", "it",
        "nl", "ch", "health", "tech", "xyz", "shop", "cloud", "law", "bank", "calm", "come", "comm", "con",
    ];
    if ENDINGS.contains(&words.at(index)) {
        return Some(index);
    }
    let spelled = (words.at(index), words.at(index + 1), words.at(index + 2));
    matches!(spelled, ("c", "o", "m") | ("n", "e", "t") | ("o", "r", "g") | ("e", "d", "u") | ("g", "o", "v"))
        .then_some(index + 2)
}

/// The last word of a domain that begins here.
fn domain_end(words: &Words<'_>, start: usize) -> Option<usize> {
    let mut index = start;
    let mut end = None;
    let mut plain = 0;
    while index < words.len() {
        let word = words.at(index);
        let said = matches!(word, "dot" | "period" | "point") && index > start;
        let written = index > start && dot_before(words, index);
        if said || written {
            let label = if said { index + 1 } else { index };
            if let Some(last) = is_ending(words, label) {
                end = Some(last);
                index = last + 1;
                continue;
            }
            if end.is_some() || words.at(label).is_empty() || is_function_word(words.at(label)) {
                break;
            }
            index = label + 1;
            continue;
        }
        if end.is_some() {
            break;
        }
        let connected = words.gap_before(index).trim() == "-" || matches!(word, "dash" | "hyphen" | "minus");
        if !is_letter(word) && !connected {
            plain += 1;
        }
        let sentence = index > start && words.sentence_before(index);
        if plain > 3 || is_function_word(word) && !is_letter(word) || sentence || word == "sign" {
            break;
        }
        index += 1;
    }
    let known = PROVIDERS.contains(&words.at(start))
        && !matches!(words.at(start), "live" | "mail" | "att" | "cox" | "mac" | "verizon" | "comcast");
    if end.is_none() && known {
        let com = matches!(words.at(start + 1), "com" | "calm");
        return Some(start + usize::from(com));
    }
    if end.is_none() && words.at(start) == "g" && words.at(start + 1) == "mail" {
        return Some(start + 1);
    }
    end
}

/// "info at", "support at".
fn is_mailbox(word: &str) -> bool {
    one_of(
        word,
        "info support sales billing help contact admin accounts service orders hello office returns claims reservations",
    )
}

/// "our website at northbay dot com".
fn is_website(word: &str) -> bool {
    one_of(word, "website site page online app store us portal web look shop details more here it that")
}

fn is_connector(word: &str) -> bool {
    matches!(
        word,
        "dot" | "underscore" | "dash" | "hyphen" | "plus" | "period" | "minus" | "point" | "score" | "under"
    )
}

fn leads_in(word: &str) -> bool {
    is_function_word(word)
        && !is_letter(word)
        && !matches!(word, "one" | "two" | "under" | "oh" | "new" | "number")
        || one_of(
            word,
            "word letter email address mail lowercase uppercase send use using reach write be cc contact forward \
            change update updated as gmail uh um",
        )
}

/// The first word of the part before the "at".
fn local_start(words: &Words<'_>, from: usize, last: usize, wanted: bool, written: bool) -> Option<usize> {
    let mut first = None;
    let mut plain = 0;
    let mut stopped = false;
    let mut certain = last + 1;
    let mut index = last + 1;
    let spelled = spelling::find(words);
    while index > from {
        index -= 1;
        if let Some(&(start, _)) =
            spelled.iter().find(|&&(start, end)| (start..=end).contains(&index) && start >= from)
        {
            index = start;
            first = Some(start);
            certain = start;
            continue;
        }
        let word = words.at(index);
        let connected_right = index < last
            && (matches!(words.gap_before(index + 1), "." | "_" | "-" | "+" | "--")
                || is_connector(words.at(index + 1)));
        if is_hesitation(word) && first.is_some() {
            continue;
        }
        if is_connector(word) && index < last && index > from {
            if word == "under" && words.at(index + 1) != "score" {
                stopped = true;
                break;
            }
            first = Some(index);
            continue;
        }
        if (leads_in(word) && !connected_right)
            || (index < last && words.sentence_before(index + 1) && !connected_right)
        {
            stopped = !is_function_word(word)
                || one_of(word, "is it's its to at me that's name address on for so or and that");
            break;
        }
        let piece = is_letter(word)
            || numbers::unit(word).is_some()
            || numbers::is_number_word(word)
            || word == "double";
        if !piece && !connected_right {
            plain += 1;
            if written && plain > 1 {
                stopped = true;
                break;
            }
            if plain > MOST_WORDS {
                break;
            }
        }
        let name = is_first_name(word) || is_last_name(word) || !is_ordinary(word);
        let reaches = certain == index + 1 || connected_right && certain == index + 2;
        let connected_left = index > from
            && (is_connector(words.at(index - 1)) || matches!(words.gap_before(index), "." | "_" | "-"));
        if reaches && (piece || connected_left || connected_right || name || index == last && wanted) {
            certain = index;
        }
        first = Some(index);
    }
    let first = first?;
    if is_connector(words.at(first)) {
        return None;
    }
    if stopped || wanted || (index == from && plain <= 3 && from == 0) || written {
        let only_verb = first == last
            && is_ordinary(words.at(first))
            && !wanted
            && !stopped
            && !is_mailbox(words.at(first));
        return (!only_verb).then_some(first);
    }
    (certain <= last).then_some(certain)
}

/// Where an address that is not finished yet begins, if one stands at the end of the text.
pub(super) fn open_start(words: &Words<'_>, asked: Option<Subject>) -> Option<usize> {
    let last = words.len().checked_sub(1)?;
    let mut first = last + 1;
    let mut tells = asked == Some(Subject::Email);
    let mut letters = 0;
    while first > 0 {
        let word = words.at(first - 1);
        let connector = is_connector(word) || word == "at" || words.gap_before(first).contains('@');
        tells |= connector;
        letters += usize::from(is_letter(word));
        if leads_in(word) && !connector && !is_hesitation(word) {
            tells |= (first.saturating_sub(4)..first)
                .any(|index| matches!(words.at(index), "email" | "mail" | "address"));
            break;
        }
        first -= 1;
        if last - first > 40 {
            break;
        }
    }
    (first <= last && (tells || letters >= 2)).then_some(first)
}
