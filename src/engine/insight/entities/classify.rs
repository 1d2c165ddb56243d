//! What a run of digits is: by its length, its check digits and the words around it.

use super::numbers::{self, Chunk, Element, joins, takes_back};
use super::subject::{self, Subject};
use super::words::{Words, is_hesitation, one_of};
use super::{EntityKind, Found, checks, dates};

/// Words before a number that may tell what it is.
const WORDS_BEFORE: usize = 14;
/// Words after it.
const WORDS_AFTER: usize = 7;
/// Words between two parts of a number that is read out in parts.
const LONGEST_JOIN: usize = 6;
/// Parts of one number; more are a list.
const MOST_PARTS: usize = 24;

/// A number that may be read out in several parts.
#[derive(Debug)]
struct Candidate<'a> {
    parts: &'a [Chunk],
    digits: String,
    first: usize,
    last: usize,
}

impl<'a> Candidate<'a> {
    fn of(words: &Words<'_>, parts: &'a [Chunk]) -> Self {
        let mut digits = String::new();
        for (index, part) in parts.iter().enumerate() {
            digits.push_str(&part.digits());
            let following = parts.get(index + 1).map_or(0, Chunk::first);
            if let Some((word, digit)) = part.heard_after
                && word + 1 == following
                && words.len() > following
            {
                digits.push(digit);
            }
        }
        let first = parts.first().map_or(0, Chunk::first);
        let last = parts.last().map_or(0, Chunk::last);
        Self { parts, digits, first, last }
    }

    /// The lengths of the pieces as they are written, 0 for a spoken one.
    fn shape(&self) -> Vec<usize> {
        let elements = self.parts.iter().flat_map(|part| &part.elements);
        elements.map(|element| if element.written { element.digits.len() } else { 0 }).collect()
    }

    fn pieces(&self) -> usize {
        self.parts.iter().map(|part| part.elements.len()).sum()
    }

    fn takes_back(&self, words: &Words<'_>) -> bool {
        self.parts.len() > 1 && (self.first..self.last).any(|index| takes_back(words.at(index)))
    }
}

/// How sure a reading of a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Exact,
    Loose,
}

/// Whether a unit of measure or a count follows, so that the number is an amount.
pub(super) fn measures(words: &Words<'_>, last: usize) -> bool {
    let written_after = words.text[words.list[last].range.end..].trim_start();
    if written_after.starts_with(['%', '°', '$', '€', '£', ':', '/']) {
        return true;
    }
    one_of(
        words.at(last + 1),
        "dollars dollar bucks cents cent percent minutes minute hours hour days day weeks week \
            months month years year pounds pound euros euro miles mile gigs gig gigabytes gb mb \
            megabytes megs mbps kbps kilometers km feet foot inches inch times o'clock am pm units \
            items people customers kilowatt kilowatts kwh degrees thousand million volts watts star \
            stars seconds second points pieces boxes copies licenses users seats employees orders \
            hundred grand quid k milligrams mg ml lines nights guests tickets payments calls business \
            or square kids bedroom bedrooms gallons kilowatt-hours mils p series",
    ) && !(words.at(last + 1) == "or"
        || matches!(words.at(last + 1), "k" | "p") && words.gap_before(last + 1) != " ")
}

/// Finds every number that is personal.
pub(super) fn find(words: &Words<'_>, chunks: &[Chunk], asked: Option<Subject>) -> Vec<Found> {
    let mut found = misheard(words, asked);
    for group in groups(words, chunks) {
        classify_group(words, group, asked, &mut found);
    }
    found
}

/// Numbers with digits that the recogniser took for other words: "for oh won two ate ate".
fn misheard(words: &Words<'_>, asked: Option<Subject>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let mut elements: Vec<(Element, bool)> = Vec::new();
        let mut next = index;
        while next < words.len() {
            if next > index && is_hesitation(words.at(next)) {
                next += 1;
                continue;
            }
            if let Some(piece) = numbers::element(words, next) {
                next = piece.last + 1;
                elements.push((piece, false));
            } else if let Some(digit) = numbers::heard_as(words.at(next)) {
                let digits = digit.to_string();
                elements
                    .push((Element { first: next, last: next, digits, written: false, amount: false }, true));
                next += 1;
            } else {
                break;
            }
        }
        found.extend(read_misheard(words, &elements, asked));
        index = next.max(index + 1);
    }
    found
}

fn read_misheard(words: &Words<'_>, elements: &[(Element, bool)], asked: Option<Subject>) -> Option<Found> {
    let heard_at = |index: usize| elements.get(index).is_some_and(|&(_, heard)| heard);
    for start in 0..=1 {
        for cut in 0..=1 {
            let end = elements.len().checked_sub(cut).filter(|&end| end > start)?;
            let trims_digit = (start == 1 && !heard_at(0)) || (cut == 1 && !heard_at(end));
            let part = &elements[start..end];
            if trims_digit || !part.iter().any(|&(_, heard)| heard) {
                continue;
            }
            let elements: Vec<Element> = part.iter().map(|(element, _)| element.clone()).collect();
            let parts = [Chunk { elements, heard_before: None, heard_after: None }];
            let candidate = Candidate::of(words, &parts);
            if candidate.digits.len() < 3 || measures(words, candidate.last) {
                continue;
            }
            let subject = subject_of(words, &candidate, asked);
            let told = subject.is_some_and(|subject| subject != Subject::SomeNumber);
            let before = candidate.first.checked_sub(1).map_or("", |index| words.at(index));
            let short_is_led = candidate.digits.len() >= 7
                || matches!(before, "is" | "it's" | "" | "that's" | "are" | "was")
                || is_hesitation(before)
                || !heard_at(start);
            let exact =
                matches!(classify(words, &candidate, &candidate.digits, subject), Some((_, Fit::Exact)));
            if exact && short_is_led && (told || candidate.digits.len() >= 10) {
                let (kind, _) = classify(words, &candidate, &candidate.digits, subject)?;
                return Some(Found::of(words, kind, candidate.first, candidate.last));
            }
        }
    }
    None
}

/// Chunks that may be parts of one number.
fn groups<'a>(words: &Words<'_>, chunks: &'a [Chunk]) -> Vec<&'a [Chunk]> {
    let mut found = Vec::new();
    let mut start = 0;
    for index in 0..chunks.len() {
        let amount = chunks[index].is_amount() || measures(words, chunks[index].last());
        if amount {
            if start < index {
                found.push(&chunks[start..index]);
            }
            start = index + 1;
            continue;
        }
        let joined = index + 1 < chunks.len() && are_joined(words, &chunks[index], &chunks[index + 1]);
        if !joined || index + 1 - start >= MOST_PARTS {
            found.push(&chunks[start..=index]);
            start = index + 1;
        }
    }
    found
}

fn are_joined(words: &Words<'_>, one: &Chunk, other: &Chunk) -> bool {
    let (from, to) = (one.last() + 1, other.first());
    let gap_text = words.gap_before(to);
    if from == to {
        return !gap_text.contains(['/', ':']) && gap_text != ".";
    }
    let heard = to - from == 1 && one.heard_after.is_some();
    heard || (to - from <= LONGEST_JOIN && (from..to).all(|index| joins(words.at(index))))
}

fn classify_group(words: &Words<'_>, group: &[Chunk], asked: Option<Subject>, found: &mut Vec<Found>) {
    let mut taken = vec![false; group.len()];
    for fit in [Fit::Exact, Fit::Loose] {
        let mut start = 0;
        while start < group.len() {
            let mut end = (start..group.len()).find(|&index| taken[index]).unwrap_or(group.len());
            while end > start {
                if let Some(hits) = read(words, &group[start..end], asked, fit) {
                    found.extend(hits);
                    taken[start..end].fill(true);
                    break;
                }
                end -= 1;
            }
            start = end.max(start + 1);
        }
    }
}

/// Reads one candidate, also with the words beside it that sound like digits.
fn read(words: &Words<'_>, parts: &[Chunk], asked: Option<Subject>, wanted: Fit) -> Option<Vec<Found>> {
    let candidate = Candidate::of(words, parts);
    if candidate.digits.len() < 3 {
        return None;
    }
    let subject = subject_of(words, &candidate, asked);
    if wanted == Fit::Exact
        && let Some(kind) = restarted(words, &candidate, subject)
    {
        return Some(vec![Found::of(words, kind, candidate.first, candidate.last)]);
    }
    let single = |kind: EntityKind, first: usize, last: usize| vec![Found::of(words, kind, first, last)];
    if let Some((kind, fit)) = classify(words, &candidate, &candidate.digits, subject)
        && fit == wanted
    {
        return Some(single(kind, candidate.first, candidate.last));
    }
    if wanted == Fit::Loose {
        return None;
    }
    let before = parts.first().and_then(|part| part.heard_before);
    if let Some((word, digit)) = before.filter(|_| candidate.digits.len() >= 6) {
        let longer = format!("{digit}{}", candidate.digits);
        if let Some((kind, Fit::Exact)) = classify(words, &candidate, &longer, subject)
            && longer.len() > 9
        {
            return Some(single(kind, word, candidate.last));
        }
    }
    let after = parts.last().and_then(|part| part.heard_after);
    if let Some((word, digit)) =
        after.filter(|&(word, _)| candidate.digits.len() >= 6 && word + 1 == words.len())
    {
        let longer = format!("{}{digit}", candidate.digits);
        if let Some((kind, Fit::Exact)) = classify(words, &candidate, &longer, subject) {
            return Some(single(kind, candidate.first, word));
        }
    }
    card_with_more(words, &candidate, subject)
}

/// "six wait six one one five": what comes after the last "wait" is the number, the rest of it tells as much.
fn restarted(words: &Words<'_>, candidate: &Candidate<'_>, subject: Option<Subject>) -> Option<EntityKind> {
    let parts = candidate.parts;
    let last = (1..parts.len()).rev().find(|&index| {
        (parts[index - 1].last() + 1..parts[index].first()).any(|between| takes_back(words.at(between)))
    })?;
    let rest = Candidate::of(words, &parts[last..]);
    if classify(words, candidate, &candidate.digits, subject).is_some_and(|(_, fit)| fit == Fit::Exact) {
        return None;
    }
    match classify(words, &rest, &rest.digits, subject) {
        Some((kind, Fit::Exact)) => Some(kind),
        _ => None,
    }
}

/// What the words around say, the speaker's own first.
fn subject_of(words: &Words<'_>, candidate: &Candidate<'_>, asked: Option<Subject>) -> Option<Subject> {
    let before = subject::before(words, candidate.first, WORDS_BEFORE);
    if before == Some(Subject::Harmless) && is_cards_code(words, candidate.first) {
        return Some(Subject::SecurityCode);
    }
    if let Some(said) = before.filter(|&said| said != Subject::SomeNumber && said != Subject::Name) {
        return Some(said);
    }
    let after = subject::after(words, candidate.last, WORDS_AFTER);
    if let Some(said) =
        after.filter(|&said| !matches!(said, Subject::SomeNumber | Subject::Name | Subject::Email))
    {
        return Some(said);
    }
    asked.or(before).or(after)
}

/// "code one two nine" after a card.
fn is_cards_code(words: &Words<'_>, first: usize) -> bool {
    let code = (first.saturating_sub(2)..first).any(|index| words.at(index) == "code");
    let of_card = |index: usize| {
        matches!(
            words.at(index),
            "card" | "visa" | "mastercard" | "amex" | "expires" | "expiration" | "expiry" | "exp"
        )
    };
    code && (0..first).any(of_card)
        && !(first.saturating_sub(4)..first).any(|index| {
            matches!(words.at(index), "zip" | "error" | "promo" | "area" | "confirmation" | "authorization")
        })
}

/// A card, its expiry and its security code read out in one go.
fn card_with_more(
    words: &Words<'_>,
    candidate: &Candidate<'_>,
    subject: Option<Subject>,
) -> Option<Vec<Found>> {
    if subject == Some(Subject::Harmless) || candidate.digits.len() < 19 {
        return None;
    }
    let elements: Vec<_> = candidate.parts.iter().flat_map(|part| &part.elements).collect();
    let mut digits = String::new();
    let mut card_end = None;
    for (index, element) in elements.iter().enumerate() {
        digits.push_str(&element.digits);
        if matches!(digits.len(), 15 | 16)
            && checks::luhn(&digits)
            && digits.starts_with(['2', '3', '4', '5', '6'])
        {
            card_end = Some(index);
        }
    }
    let card_end = card_end?;
    let mut hits =
        vec![Found::of(words, EntityKind::CreditCardNumber, elements[0].first, elements[card_end].last)];
    let mut rest = &elements[card_end + 1..];
    let mut expiry = String::new();
    for (index, element) in rest.iter().enumerate() {
        expiry.push_str(&element.digits);
        if expiry.len() == 4 && dates::is_month_and_year(&expiry) {
            hits.push(Found::of(words, EntityKind::CardExpiration, rest[0].first, rest[index].last));
            rest = &rest[index + 1..];
            break;
        }
    }
    let code: usize = rest.iter().map(|element| element.digits.len()).sum();
    if matches!(code, 3 | 4) {
        hits.push(Found::of(words, EntityKind::Cvv, rest[0].first, rest[rest.len() - 1].last));
    }
    let all_told = rest.is_empty() || matches!(code, 3 | 4);
    if !all_told {
        hits.truncate(1);
        hits[0] = Found::of(words, EntityKind::CreditCardNumber, candidate.first, candidate.last);
    }
    Some(hits)
}

fn classify(
    words: &Words<'_>,
    candidate: &Candidate<'_>,
    digits: &str,
    subject: Option<Subject>,
) -> Option<(EntityKind, Fit)> {
    use EntityKind::{AccountNumber, Address, CardExpiration, Cvv, PhoneNumber, Pin, RoutingNumber, Ssn};
    let length = digits.len();
    let alone = candidate.parts.len() == 1;
    let exact = |kind: EntityKind| Some((kind, Fit::Exact));
    let loose = |kind: EntityKind| Some((kind, Fit::Loose));
    match subject {
        Some(Subject::Harmless) => None,
        Some(Subject::Amount) => {
            let card = matches!(length, 15 | 16) && is_card(digits)
                || length == 16 && candidate.shape() == [4, 4, 4, 4];
            card.then_some((EntityKind::CreditCardNumber, Fit::Exact))
        }
        Some(Subject::SecurityCode) if matches!(length, 3 | 4) => exact(Cvv),
        Some(Subject::Pin) if (4..=6).contains(&length) => exact(Pin),
        Some(Subject::Zip) if matches!(length, 5 | 9) => exact(Address),
        Some(Subject::Social) if length == 9 || (length == 4 && alone) => exact(Ssn),
        Some(Subject::Social) if matches!(length, 7 | 8 | 10) => loose(Ssn),
        Some(Subject::Routing) if length == 9 => exact(RoutingNumber),
        Some(Subject::Routing) if matches!(length, 8 | 10) => loose(RoutingNumber),
        Some(Subject::Expiry) if alone && matches!(length, 3 | 4 | 6) => (dates::is_month_and_year(digits)
            && !dates::something_else_expires(words, candidate.first))
        .then_some((CardExpiration, Fit::Exact)),
        Some(Subject::Account) if (6..=17).contains(&length) => {
            let card = matches!(length, 15 | 16) && is_card(digits);
            if card { exact(EntityKind::CreditCardNumber) } else { exact(AccountNumber) }
        }
        Some(Subject::Phone)
            if length == 10 || length == 7 || (length == 11 && digits.starts_with(['1', '0'])) =>
        {
            exact(PhoneNumber)
        }
        Some(Subject::Phone) if (8..=13).contains(&length) => loose(PhoneNumber),
        Some(Subject::Bank | Subject::Swift | Subject::Passport | Subject::License | Subject::Birth) => None,
        _ => without_subject(words, candidate, digits, subject),
    }
}

/// A number that starts like a payment card and passes the check.
fn is_card(digits: &str) -> bool {
    (13..=19).contains(&digits.len()) && digits.starts_with(['2', '3', '4', '5', '6']) && checks::luhn(digits)
}

fn without_subject(
    words: &Words<'_>,
    candidate: &Candidate<'_>,
    digits: &str,
    subject: Option<Subject>,
) -> Option<(EntityKind, Fit)> {
    use EntityKind::{CreditCardNumber, PhoneNumber, Ssn};
    let length = digits.len();
    let shape = candidate.shape();
    let spoken = shape.iter().all(|&length| length <= 1);
    let gap_text = words.gap_before(candidate.first).trim_start_matches('(');
    if is_card(digits) {
        return Some((CreditCardNumber, Fit::Exact));
    }
    if length == 16
        && (subject == Some(Subject::Card) || digits.starts_with(['3', '4', '5', '6']))
        && candidate.pieces() > 1
    {
        return Some((CreditCardNumber, Fit::Exact));
    }
    if subject == Some(Subject::Card) {
        return (12..=19).contains(&length).then_some((CreditCardNumber, Fit::Loose));
    }
    if length == 9 && shape == [3, 2, 4] {
        return Some((Ssn, Fit::Exact));
    }
    if gap_text.ends_with('+') || words.at(candidate.first.wrapping_sub(1)) == "plus" {
        return (8..=15).contains(&length).then_some((PhoneNumber, Fit::Exact));
    }
    let some_number = subject == Some(Subject::SomeNumber);
    match length {
        10 if !digits.starts_with(['0', '1']) => Some((PhoneNumber, Fit::Exact)),
        11 if digits.starts_with('1') => Some((PhoneNumber, Fit::Exact)),
        11 if digits.starts_with('0') && (spoken || some_number) => Some((PhoneNumber, Fit::Exact)),
        7 if some_number || shape == [3, 4] || (spoken && candidate.pieces() >= 4) => {
            Some((PhoneNumber, Fit::Exact))
        }
        6..=13 if some_number && candidate.takes_back(words) => Some((PhoneNumber, Fit::Loose)),
        8 | 9 | 12 if some_number && candidate.parts.len() > 1 => Some((PhoneNumber, Fit::Loose)),
        _ => None,
    }
}

/// The digits at the end of a text that may go on in the next one: their first and last word.
pub(super) fn open_run(
    words: &Words<'_>,
    chunks: &[Chunk],
    asked: Option<Subject>,
    least: usize,
) -> Option<(usize, usize)> {
    let group = groups(words, chunks).pop()?;
    let last = group.last()?.last();
    let closed =
        (last + 1..words.len()).any(|index| !joins(words.at(index)) && !is_hesitation(words.at(index)));
    if closed || words.len() > last + 1 + LONGEST_JOIN {
        return None;
    }
    let candidate = Candidate::of(words, group);
    let harmless = matches!(subject_of(words, &candidate, asked), Some(Subject::Harmless | Subject::Amount));
    (candidate.digits.len() >= least && !harmless).then_some((candidate.first, last))
}

/// The digits that a text begins with: their first and last word.
pub(super) fn leading_run(words: &Words<'_>, chunks: &[Chunk]) -> Option<(usize, usize)> {
    let group = groups(words, chunks).into_iter().next()?;
    let candidate = Candidate::of(words, group);
    let starts = (0..candidate.first).all(|index| joins(words.at(index)) || is_hesitation(words.at(index)));
    starts.then_some((candidate.first, candidate.last))
}
