//! Who calls (twilio-protocol.md, section 1.3). Never a key: two callers may share or withhold a number.
//!
//! Neither type shows more than the last four digits unless asked for the whole by name.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Digits of a number in E.164; shorter ones would be half shown by the mask.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Digits that stay visible.
const VISIBLE: usize = 4;

/// Words for a caller that does not want to be known, compared without regard to case.
const WITHHELD_WORDS: [&str; 6] = ["anonymous", "unknown", "restricted", "unavailable", "private", "blocked"];

/// The same words spelled on a keypad: ANONYMOUS, RESTRICTED, UNKNOWN, BLOCKED, UNAVAILABLE, PRIVATE.
const WITHHELD_KEYS: [&str; 6] = ["266696687", "7378742833", "8656696", "2562533", "86282452253", "7748283"];

/// A phone number in E.164: `+`, then 7 to 15 digits of which the first is not zero.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(String);

/// A text is not a phone number. The text itself is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a phone number starts with + and the country code, then digits, such as +14155550100")]
pub struct BadPhoneNumber;

impl PhoneNumber {
    /// Returns the number in a text that people wrote: spaces, dashes, dots and parentheses are ignored.
    pub fn parse(raw: &str) -> Result<Self, BadPhoneNumber> {
        let is_filler =
            |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}');
        Self::parse_strict(&raw.replace(is_filler, ""))
    }

    /// Returns the number in a text that a machine wrote.
    fn parse_strict(raw: &str) -> Result<Self, BadPhoneNumber> {
        let digits = raw.strip_prefix('+').ok_or(BadPhoneNumber)?;
        let fits = DIGITS.contains(&digits.len()) && !digits.starts_with('0') && is_digits(digits);
        if fits { Ok(Self(raw.to_owned())) } else { Err(BadPhoneNumber) }
    }

    /// Returns the whole number, `+` first. Not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number with all but its last four digits hidden, `…0123`.
    pub fn masked(&self) -> String {
        last_digits(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({})", self.masked())
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Who calls, as far as Twilio says.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A phone.
    Phone(PhoneNumber),
    /// A SIP address, whole: `sip:alice@pbx.example.com;transport=tls`.
    Sip(String),
    /// A Twilio client, whole: `client:alice`.
    Client(String),
    /// What the carrier delivered and nothing above fits.
    Other(String),
    /// Nobody we are told of.
    Withheld,
}

impl Caller {
    /// Returns who is meant by a `From` or `To`.
    ///
    /// A number whose `+` was taken for a space on its way gets it back.
    pub fn parse(raw: &str) -> Self {
        let text = raw.trim();
        if text.is_empty() || is_withheld(text) {
            return Self::Withheld;
        }
        if let Some(name) = strip_scheme(text, "client:") {
            return if name.is_empty() { Self::Withheld } else { Self::Client(text.to_owned()) };
        }
        if strip_scheme(text, "sip:").is_some() || strip_scheme(text, "sips:").is_some() {
            return Self::Sip(text.to_owned());
        }
        let plus_was_lost = raw.starts_with(' ') && is_digits(text);
        let number = if plus_was_lost { format!("+{text}") } else { text.to_owned() };
        match PhoneNumber::parse_strict(&number) {
            Ok(number) => Self::Phone(number),
            Err(_) => Self::Other(text.to_owned()),
        }
    }

    /// Returns the identity for the upstream's user id: the number or address itself. Not for logs.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Phone(number) => Some(number.as_str()),
            Self::Sip(text) | Self::Client(text) | Self::Other(text) => Some(text),
            Self::Withheld => None,
        }
    }

    /// Returns the phone number, if it is one.
    pub fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(number) => Some(number),
            _ => None,
        }
    }

    /// Returns a text for logs: the last four digits of a number, the host of an address, no name.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(number) => number.masked(),
            Self::Sip(address) => mask_sip(address),
            Self::Client(_) => "client:…".to_owned(),
            Self::Other(text) => last_digits(text),
            Self::Withheld => "withheld".to_owned(),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.masked())
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_withheld(text: &str) -> bool {
    if WITHHELD_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return true;
    }
    let keys = text.strip_prefix('+').unwrap_or(text);
    if WITHHELD_KEYS.contains(&keys)
        || keys.strip_prefix('1').is_some_and(|rest| WITHHELD_KEYS.contains(&rest))
    {
        return true;
    }
    // What SIP itself prescribes for a caller without a name (RFC 3323).
    strip_scheme(text, "sip:")
        .is_some_and(|address| address.to_ascii_lowercase().contains("@anonymous.invalid"))
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Returns `…` and the last four characters of a long run of digits, `…` alone for anything else.
fn last_digits(text: &str) -> String {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if is_digits(digits) && digits.len() >= *DIGITS.start() {
        format!("…{}", &digits[digits.len() - VISIBLE..])
    } else {
        "…".to_owned()
    }
}

/// Hides the user of a SIP address and drops its parameters.
fn mask_sip(address: &str) -> String {
    let without_parameters = address.split([';', '?']).next().unwrap_or_default();
    match without_parameters.split_once(':').map(|(_, rest)| rest.rsplit_once('@').unwrap_or(("", rest))) {
        Some((user, host)) => format!("sip:{}@{}", last_digits(user), without_numbers(host)),
        None => "sip:…".to_owned(),
    }
}

/// Hides all but the end of every long run of digits: where there is no user, a number may stand for the host.
fn without_numbers(host: &str) -> String {
    let mut shown = String::with_capacity(host.len());
    let mut rest = host;
    while let Some(start) = rest.find(char::is_numeric) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character: char| !character.is_numeric()).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        shown.push_str(before);
        match run.char_indices().rev().nth(VISIBLE - 1) {
            Some((tail, _)) if tail > 0 => {
                shown.push('…');
                shown.push_str(&run[tail..]);
            }
            _ => shown.push_str(run),
        }
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(raw: &str) -> Caller {
        Caller::Phone(PhoneNumber::parse(raw).unwrap())
    }

    #[test]
    fn every_form_of_from_is_understood() {
        let cases = [
            ("+12125550123", phone("+12125550123"), "…0123"),
            (" 12125550123", phone("+12125550123"), "…0123"),
            ("12125550123", Caller::Other("12125550123".into()), "…0123"),
            ("+0125550123", Caller::Other("+0125550123".into()), "…0123"),
            ("+1234567890123456", Caller::Other("+1234567890123456".into()), "…3456"),
            ("55501", Caller::Other("55501".into()), "…"),
            ("Front Desk", Caller::Other("Front Desk".into()), "…"),
            (
                "sip:alice@pbx.example.com",
                Caller::Sip("sip:alice@pbx.example.com".into()),
                "sip:…@pbx.example.com",
            ),
            (
                "SIP:+12125550123@10.0.0.7:5060;transport=tls",
                Caller::Sip("SIP:+12125550123@10.0.0.7:5060;transport=tls".into()),
                "sip:…0123@10.0.0.7:5060",
            ),
            ("sips:pbx.example.com", Caller::Sip("sips:pbx.example.com".into()), "sip:…@pbx.example.com"),
            // A number may stand where the host should.
            ("sip:+12125550123", Caller::Sip("sip:+12125550123".into()), "sip:…@+…0123"),
            ("client:alice", Caller::Client("client:alice".into()), "client:…"),
            ("Client:Bob", Caller::Client("Client:Bob".into()), "client:…"),
            ("client:", Caller::Withheld, "withheld"),
            ("", Caller::Withheld, "withheld"),
            ("   ", Caller::Withheld, "withheld"),
            ("sip:anonymous@anonymous.invalid", Caller::Withheld, "withheld"),
        ];
        for (raw, expected, masked) in cases {
            let caller = Caller::parse(raw);
            assert!(caller == expected, "{raw:?} gave {caller:?}");
            assert_eq!(caller.masked(), masked, "{raw:?}");
        }
    }

    #[test]
    fn withheld_callers_are_known_by_word_and_by_keypad() {
        for raw in [
            "anonymous",
            "Anonymous",
            "ANONYMOUS",
            "unknown",
            "restricted",
            "Restricted",
            "unavailable",
            "private",
            "+266696687",
            "+7378742833",
            "+8656696",
            "+2562533",
            "+86282452253",
            "+1266696687",
            "266696687",
            "+17378742833",
            "+18656696",
            "12562533",
            "+186282452253",
            "+7748283",
        ] {
            assert_eq!(Caller::parse(raw), Caller::Withheld, "{raw:?}");
            assert_eq!(Caller::parse(raw).user_id(), None);
        }
        for raw in ["+12666966871", "anonymously", "+21266696687"] {
            assert_ne!(Caller::parse(raw), Caller::Withheld, "{raw:?}");
        }
    }

    #[test]
    fn configured_numbers_may_be_written_as_people_do() {
        for raw in
            ["+14155550100", "+1 (415) 555-0100", " +1.415.555.0100 ", "+1\u{2011}415\u{2011}555\u{2011}0100"]
        {
            assert_eq!(PhoneNumber::parse(raw).unwrap().as_str(), "+14155550100", "{raw:?}");
        }
        for raw in [
            "",
            "+",
            "4155550100",
            "+0415555010",
            "+1415555O100",
            "+123456",
            "+1234567890123456",
            "++14155550100",
        ] {
            assert_eq!(PhoneNumber::parse(raw), Err(BadPhoneNumber), "{raw:?}");
        }
        assert_eq!(Caller::parse("+1 415 555 0100"), Caller::Other("+1 415 555 0100".into()));
    }

    #[test]
    fn identities_are_whole_only_when_asked_for() {
        assert_eq!(Caller::parse(" 12125550123").user_id(), Some("+12125550123"));
        assert_eq!(Caller::parse("client:alice").user_id(), Some("client:alice"));
        for raw in
            ["+12125550123", "sip:alice@pbx.example.com", "client:alice", "12125550123", "Alice Front Desk"]
        {
            let shown = format!("{:?}", Caller::parse(raw));
            assert!(!shown.contains("555") && !shown.to_lowercase().contains("alice"), "{shown}");
        }
        assert_eq!(format!("{:?}", PhoneNumber::parse("+12125550123").unwrap()), "PhoneNumber(…0123)");
    }

    #[test]
    fn settings_are_read_and_checked() {
        assert_eq!(
            serde_json::from_str::<PhoneNumber>("\"+1 415 555 0100\"").unwrap().as_str(),
            "+14155550100"
        );
        assert!(serde_json::from_str::<PhoneNumber>("\"0100\"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_or_shows_long_numbers(raw in "\\PC{0,30}|[+ ]?[0-9]{0,30}|sips?:\\PC{0,20}") {
            let masked = Caller::parse(&raw).masked();
            if !raw.contains(':') {
                assert!(masked.chars().filter(char::is_ascii_digit).count() <= VISIBLE, "{masked}");
            }
        }
    }
}
