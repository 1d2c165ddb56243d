//! Personal and payment data in what people say.
//!
//! Numbers come spoken, written and in parts, names without capitals, addresses without commas. Each kind of data has
//! a finder of its own that knows words only; [`find`] gives them the same words and settles who may have which.

mod address;
mod age;
mod checks;
mod classify;
mod codes;
mod dates;
mod email;
mod name_words;
mod names;
mod numbers;
mod spelling;
mod subject;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

use subject::Subject;
use words::Words;

/// What a piece of personal or payment data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// A person's name.
    Person,
    /// The long number of a payment card.
    CreditCardNumber,
    /// A telephone number.
    PhoneNumber,
    /// An e-mail address.
    Email,
    /// A street address, a post box or a postal code.
    Address,
    /// A US social security number, or its last four digits.
    Ssn,
    /// When somebody was born.
    DateOfBirth,
    /// The month and year in which a payment card expires.
    CardExpiration,
    /// The security code of a payment card.
    Cvv,
    /// The routing number of a US bank.
    RoutingNumber,
    /// The number of an account.
    AccountNumber,
    /// A secret number that opens an account.
    Pin,
    /// How old somebody is.
    Age,
    /// An international bank account number.
    Iban,
    /// A bank's code in international payments.
    SwiftCode,
    /// The number of a passport.
    PassportNumber,
    /// The number of a driver's licence.
    DriversLicense,
}

impl EntityKind {
    /// Returns the name that clients see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::CreditCardNumber => "CREDIT_CARD_NUMBER",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::Email => "EMAIL",
            Self::Address => "ADDRESS",
            Self::Ssn => "SSN",
            Self::DateOfBirth => "DATE_OF_BIRTH",
            Self::CardExpiration => "CARD_EXPIRATION",
            Self::Cvv => "CVV",
            Self::RoutingNumber => "ROUTING_NUMBER",
            Self::AccountNumber => "ACCOUNT_NUMBER",
            Self::Pin => "PIN",
            Self::Age => "AGE",
            Self::Iban => "IBAN",
            Self::SwiftCode => "SWIFT_CODE",
            Self::PassportNumber => "PASSPORT_NUMBER",
            Self::DriversLicense => "DRIVERS_LICENSE",
        }
    }

    /// Returns `PCI` for what pays, `PII` for what tells who somebody is.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::CreditCardNumber
            | Self::CardExpiration
            | Self::Cvv
            | Self::Pin
            | Self::AccountNumber
            | Self::RoutingNumber
            | Self::Iban
            | Self::SwiftCode => "PCI",
            _ => "PII",
        }
    }
}

/// A piece of personal or payment data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Bytes of the text, on character boundaries.
    pub range: Range<usize>,
}

/// What was said before a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The other party's last turn: what it asked for tells what a bare answer is.
    pub other_said: Option<&'a str>,
    /// The same speaker's message just before, if the text may go on with it.
    pub same_said: Option<&'a str>,
}

/// A finder's result; a finder sees words, so that its ranges lie on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    kind: EntityKind,
    range: Range<usize>,
}

impl Found {
    fn of(words: &Words<'_>, kind: EntityKind, first: usize, last: usize) -> Self {
        let mut range = words.span(first, last);
        let before = &words.text[..range.start];
        let phone = kind == EntityKind::PhoneNumber;
        if phone && before.ends_with(['(', '+']) {
            range.start -= 1;
        }
        if phone && before.ends_with("+(") {
            range.start -= 1;
        }
        if kind == EntityKind::Person && text_of(words, &range).ends_with("'s") {
            range.end -= 2;
        } else if kind == EntityKind::Person && text_of(words, &range).ends_with("’s") {
            range.end -= "’s".len();
        }
        Self { kind, range }
    }
}

fn text_of<'a>(words: &Words<'a>, range: &Range<usize>) -> &'a str {
    &words.text[range.clone()]
}

/// The most bytes of the speaker's previous message that are read with the next one.
const LONGEST_CONTEXT: usize = 400;

/// Returns what of a text is personal or payment data, sorted by start, not overlapping.
#[must_use]
pub fn find(text: &str, context: Context<'_>) -> Vec<Entity> {
    let asked = context.other_said.and_then(subject::asked);
    let Some(previous) = context.same_said.filter(|said| !said.trim().is_empty()) else {
        return find_in(text, asked);
    };
    let joined = Joined::of(previous, text);
    let mut found = Vec::new();
    for mut entity in find_in(&joined.text, asked) {
        if entity.range.end > joined.start {
            let start = entity.range.start.max(joined.start) - joined.start;
            let end = entity.range.end - joined.start;
            entity.range = start..end;
            found.push(entity);
        }
    }
    found
}

/// A message behind the end of the one before it.
struct Joined {
    text: String,
    /// Where the message begins.
    start: usize,
}

impl Joined {
    fn of(previous: &str, text: &str) -> Self {
        let mut from = previous.len().saturating_sub(LONGEST_CONTEXT);
        while !previous.is_char_boundary(from) {
            from += 1;
        }
        let mut joined = previous[from..].trim_end().to_owned();
        joined.push(' ');
        let start = joined.len();
        joined.push_str(text);
        Self { text: joined, start }
    }
}

fn find_in(text: &str, asked: Option<Subject>) -> Vec<Entity> {
    let words = Words::of(text);
    if words.len() == 0 {
        return Vec::new();
    }
    let chunks = numbers::chunks(&words);
    let mut taken: Vec<Found> = Vec::new();
    // Who comes first keeps what later ones claim too.
    let claims = [
        email::find(&words, asked),
        codes::find(&words, asked),
        address::find(&words, &chunks, asked, true),
        dates::find(&words, &chunks, asked),
        classify::find(&words, &chunks, asked),
        age::find(&words, &chunks, asked),
        address::find(&words, &chunks, asked, false),
        names::find(&words, asked),
    ];
    for claim in claims.into_iter().flatten() {
        let free = taken
            .iter()
            .all(|other| claim.range.end <= other.range.start || other.range.end <= claim.range.start);
        if free {
            taken.push(claim);
        }
    }
    taken.sort_by_key(|found| found.range.start);
    taken.into_iter().map(|found| Entity { kind: found.kind, range: found.range }).collect()
}

/// What redaction must hide besides the entities.
#[derive(Debug, Default)]
pub(super) struct Loose {
    /// Spelled names, and digits at either end that belong to a number in two messages.
    pub(super) hidden: Vec<Range<usize>>,
    /// Where an unfinished number or address at the end begins.
    pub(super) open: Option<usize>,
}

/// Spoken or written digits at the end of a message from which on they may be a part of something secret.
const FEWEST_OPEN_DIGITS: usize = 3;

/// Returns what of a text is no entity (yet) and must not be shown all the same.
pub(super) fn loose(text: &str, context: Context<'_>) -> Loose {
    let asked = context.other_said.and_then(subject::asked);
    let joined = context.same_said.map(|said| Joined::of(said, text));
    let (all, start) = joined.as_ref().map_or((text, 0), |joined| (joined.text.as_str(), joined.start));
    let words = Words::of(all);
    let chunks = numbers::chunks(&words);
    let mut loose = Loose::default();
    if words.len() == 0 {
        return loose;
    }
    let mut hide = |first: usize, last: usize| {
        let range = words.span(first, last);
        if range.end > start {
            loose.hidden.push(range.start.max(start) - start..range.end - start);
        }
    };
    if let Some((first, last)) = classify::open_run(&words, &chunks, asked, FEWEST_OPEN_DIGITS) {
        hide(first, last);
    }
    for (first, last) in names::spelled_names(&words, asked) {
        hide(first, last);
    }
    if let Some(previous) = context.same_said {
        let before = Words::of(previous);
        let open_before = classify::open_run(&before, &numbers::chunks(&before), asked, FEWEST_OPEN_DIGITS);
        let now = Words::of(text);
        let leading = classify::leading_run(&now, &numbers::chunks(&now));
        if let (Some(_), Some((first, last))) = (open_before, leading) {
            loose.hidden.push(now.span(first, last));
        }
    }
    let number = classify::open_run(&words, &chunks, None, 1).map(|(first, _)| first);
    let address = email::open_start(&words, asked);
    let open = number.into_iter().chain(address).min().map(|first| words.list[first].range.start);
    loose.open = open.map(|open| open.max(start) - start);
    loose
}
