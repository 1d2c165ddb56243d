//! What a number is about, told by the words around it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::{Words, is_hesitation, one_of};

/// What people say a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Card,
    SecurityCode,
    Expiry,
    Social,
    Routing,
    Account,
    Pin,
    Zip,
    Phone,
    /// "the number is": of what, nobody said.
    SomeNumber,
    Birth,
    Age,
    Address,
    Email,
    Name,
    Passport,
    License,
    Bank,
    Swift,
    /// Money.
    Amount,
    /// Order numbers, room numbers and whatever else is nobody's secret.
    Harmless,
}

use Subject::{
    Account, Address, Age, Amount, Bank, Birth, Card, Email, Expiry, Harmless, License, Name, Passport,
    Phone, Pin, Routing, SecurityCode, Social, SomeNumber, Swift, Zip,
};

const PHRASES: &[(Subject, &str)] = &[
    (
        Card,
        "card|cards|card number|visa|mastercard|master card|amex|american express|discover card|credit card|debit card|\
         sixteen digits|sixteen digit|16 digits|16 digit|long number|number on the front|front of the card|\
         card number is|card ending|visa ending",
    ),
    (
        SecurityCode,
        "cvv|cvc|cvv2|cvc2|c v v|c v c|cv v|c vv|see vv|cvv code|cvv number|security code|security number|\
         three digit code|three digits on the back|on the back|back of the card|back of it|code on the back|\
         card verification|three digits|three digit|3 digits|3 digit|four digits on the front|verification value|\
         little code|code on back|numbers on the back|code on the front|the back says|back says|back it says",
    ),
    (
        Expiry,
        "expires|expire|expiration|expiration date|expiry|expiry date|exp|exp date|valid thru|valid through|valid until|\
         good thru|good through|good until|expiring|runs out|good till|valid till",
    ),
    (
        Social,
        "social|social security|social security number|ssn|s s n|social number|full social|soch|sosh|tax id|taxpayer id|itin|soc",
    ),
    (
        Routing,
        "routing|routing number|aba|aba number|a b a|routing and transit|transit number|routing code|routing's",
    ),
    (
        Account,
        "account|account number|acct|checking|checking account|savings|savings account|bank account|account's|\
         account is|direct deposit",
    ),
    (Pin, "pin|pin number|pin code|p i n|passcode|pass code|pin's|security pin|four digit pin"),
    (Zip, "zip|zip code|zipcode|postal code|post code|postcode|billing zip"),
    (
        Phone,
        "phone|phone number|cell|cell phone|cell number|mobile|mobile number|call me|call|calling|reach|reach me|text|\
         text me|callback|callback number|call back|call back number|contact number|best number|area code|telephone|\
         telephone number|landline|home number|work number|dial|fax|fax number|house phone|good number|direct line|\
         my line|daytime number|toll free|whatsapp|home phone|work phone|try me|ring me|ring|office number|work line|home line|line|cell's|\
         best number to reach|other number|alternate number|number to reach",
    ),
    (SomeNumber, "number|number's|number is|numbers|digits"),
    (
        Birth,
        "born|birth|birthday|birth date|birthdate|date of birth|dob|d o b|birthday's|birth day|was born|b day|bday|\
         year of birth|month and day",
    ),
    (Age, "age|how old|years old|years of age|old are you|your age|aged"),
    (
        Address,
        "address|mailing address|street address|home address|billing address|shipping address|where do you live|\
         live|lives|living|ship it to|where are you located|located|street|deliver|ship|residence|where should we send|\
         address on file|property|address is",
    ),
    (Email, "email|e mail|email address|e mail address|mail address|emails"),
    (
        Name,
        "name|your name|full name|first name|last name|who am i speaking with|who am i speaking to|speaking with|\
         speaking to|who's this|who is this|who's calling|surname|name please|maiden name|first and last|whom am i speaking|\
         am i talking to|name on the card|name on the account|name's|spell that|spell it|spell your last name",
    ),
    (Passport, "passport|passport number|passport's"),
    (
        License,
        "license number|driver's license|drivers license|driver license|license|driver's license number|driver's licence|\
         dl number|driving licence|drivers license number|licence",
    ),
    (Bank, "iban|i ban|i b a n|international bank account"),
    (Swift, "swift|swift code|bic|bic code|swift bic"),
    (
        Amount,
        "total|balance|amount|price|owe|owed|charged|charge|cost|costs|fee|paid|pay|refund|refunded|payment|dollars|bill",
    ),
    (
        Harmless,
        "order|orders|order number|case|case number|reference|ref|reference number|confirmation|confirmation number|\
         confirmation code|tracking|tracking number|ticket|ticket number|part|part number|model|model number|serial|\
         serial number|invoice|invoice number|claim|claim number|policy|policy number|flight|version|room|gate|booking|\
         booking reference|itinerary|product|sku|upc|item|item number|p o|purchase order|work order|job|job number|\
         incident|extension|ext|error|error code|code|meter|reading|imei|iccid|sim|mac address|ip|ip address|port|\
         firmware|build|prescription|rx|vin|loan|loan number|member|member number|member id|membership|group number|\
         npi|employee|employee id|badge|quote|quote number|lot|batch|channel|step|page|chapter|store number|\
         transaction|transaction id|authorization|authorization code|approval code|voucher|promo code|coupon|\
         gift card|rma|asset tag|service tag|patient|chart|medical record|mrn|meeting id|conference|access code|\
         verification code|one time code|one time password|confirmation's|limit|id|i d|customer number|customer id|request|\
         request number|request id|service request|docket|file number|unit|dose|pressure|speed|score|invoice's|\
         isbn|barcode|lottery|quantity|points|miles|seat|locker|terminal|platform|route|registration|plate|\
         license plate|ticket's|protocol|frequent flyer|loyalty|rewards number|rewards|device|modem|router|\
         mileage|odometer|reads|meter reads|counter|minutes",
    ),
];

static TABLE: LazyLock<HashMap<&'static str, Subject>> = LazyLock::new(|| {
    PHRASES
        .iter()
        .flat_map(|(subject, phrases)| phrases.split('|').map(|phrase| (phrase, *subject)))
        .collect()
});

/// The most words a phrase of the table has.
const LONGEST_PHRASE: usize = 4;

/// The subject of a phrase that ends with this word, and where the phrase starts.
fn ending_at(words: &Words<'_>, last: usize, not_before: usize) -> Option<(Subject, usize)> {
    let mut best = None;
    let mut phrase = String::new();
    for count in 1..=LONGEST_PHRASE {
        let Some(first) = (last + 1).checked_sub(count).filter(|&first| first >= not_before) else { break };
        let word = if first == last { words.at(first).trim_end_matches("'s") } else { words.at(first) };
        phrase = if phrase.is_empty() { word.to_owned() } else { format!("{word} {phrase}") };
        if let Some(&subject) = TABLE.get(phrase.as_str()) {
            best = Some((subject, first));
        }
    }
    if let Some((SomeNumber, first)) = best
        && first == last
        && first > not_before
    {
        let thing = ending_at(words, first - 1, not_before).filter(|&(thing, _)| thing != SomeNumber);
        return thing.or_else(|| Some((kind_of_number(words.at(first - 1)), first)));
    }
    best
}

/// "the phone on the account": the account is only where it is.
fn is_where(words: &Words<'_>, first: usize) -> bool {
    let back = |count: usize| first.checked_sub(count).map_or("", |index| words.at(index));
    matches!(back(1), "the" | "my" | "your" | "this" | "that" | "our" | "her" | "his")
        && matches!(back(2), "on" | "in" | "for" | "from" | "to" | "with" | "of" | "into" | "access")
}

/// What "... number" is: of a thing nobody listed, it is a harmless one.
fn kind_of_number(before: &str) -> Subject {
    let says_nothing = super::words::is_function_word(before)
        || is_hesitation(before)
        || one_of(
            before,
            "best different another whole full correct wrong main direct long actual current old \
            husband's wife's mom's original complete entire",
        );
    if says_nothing { SomeNumber } else { Harmless }
}

/// The nearest subject named before a word, at most so many words away.
pub(super) fn before(words: &Words<'_>, index: usize, reach: usize) -> Option<Subject> {
    let not_before = index.saturating_sub(reach);
    let mut last = index;
    let mut weak = None;
    while last > not_before {
        last -= 1;
        match ending_at(words, last, not_before) {
            Some((SomeNumber, _)) => weak = weak.or(Some(SomeNumber)),
            Some((place @ (Account | Card), first)) if is_where(words, first) => weak = Some(place),
            Some((subject, _)) => return Some(subject),
            None => {}
        }
    }
    weak
}

/// The nearest subject named after a word, at most so many words away and in the same sentence.
pub(super) fn after(words: &Words<'_>, index: usize, reach: usize) -> Option<Subject> {
    if matches!(words.at(index + 1), "extension" | "ext") {
        return Some(Phone);
    }
    for last in index + 1..words.len().min(index + 1 + reach) {
        if words.sentence_before(last) {
            return None;
        }
        if let Some((subject, _)) = ending_at(words, last, index + 1) {
            let longer = ending_at(words, last + 1, index + 1).map(|(longer, _)| longer);
            return Some(longer.filter(|&longer| longer != SomeNumber).unwrap_or(subject));
        }
    }
    None
}

/// What the other party asked for last.
pub(super) fn asked(question: &str) -> Option<Subject> {
    let words = Words::of(question);
    let found = before(&words, words.len(), 30)?;
    (!matches!(found, Harmless | Amount) || question.contains("number") || question.contains('?'))
        .then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_words_decide() {
        for (text, expected) in [
            ("the order number is", Some(Harmless)),
            ("my employee number", Some(Harmless)),
            ("the number is", Some(SomeNumber)),
            ("my card is gone my cell is", Some(Phone)),
            ("and the three digit code on the back", Some(SecurityCode)),
            ("hello there", None),
        ] {
            let words = Words::of(text);
            assert_eq!(before(&words, words.len(), 12), expected, "{text}");
        }
    }
}
