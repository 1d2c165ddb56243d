//! A conference's name, as Twilio and dashboards see it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// Twilio shows room names in its console and callbacks; this is long enough for any of ours.
const LONGEST: usize = 64;

/// What the room of a dialled number begins with.
const OF_NUMBER: &str = "number-";

/// What the room of a pair begins with.
const OF_PAIR: &str = "pair-";

/// The name of a conference: 1 to 64 letters, digits, spaces and `-_.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room(Arc<str>);

/// A name that no conference of ours may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a room is 1 to {LONGEST} letters, digits, spaces, and any of - _ .")]
pub struct BadRoom;

impl Room {
    /// Reads a room's name, as an operator put it into the webhook URL.
    pub fn parse(text: &str) -> Result<Self, BadRoom> {
        let text = text.trim();
        let is_legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        let fits = !text.is_empty() && text.len() <= LONGEST && text.chars().all(is_legal);
        if fits { Ok(Self(text.into())) } else { Err(BadRoom) }
    }

    /// Returns the room of all who dial `number`.
    pub fn of_number(number: &str) -> Self {
        let digits = number.strip_prefix('+').unwrap_or(number);
        let is_number = (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            return Self(format!("{OF_NUMBER}{digits}").into());
        }
        // A SIP or client address may be longer than a name, and may name a person.
        let digest = Sha256::digest(number.as_bytes());
        let short: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("line-{short}").into())
    }

    /// Returns a room of its own; `unique` makes it so.
    pub fn of_pair(unique: &str) -> Self {
        Self(format!("{OF_PAIR}{}", &unique[..unique.len().min(36)]).into())
    }

    /// Returns whether the name is one that [`Room::of_pair`] gives.
    pub fn is_of_pair(&self) -> bool {
        self.0.starts_with(OF_PAIR)
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a conference's name as the log shows it: of a number that it is made of, the last four digits.
pub fn masked(name: &str) -> Cow<'_, str> {
    match name.strip_prefix(OF_NUMBER) {
        Some(digits) if digits.len() > 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{OF_NUMBER}…{}", &digits[digits.len() - 4..]).into()
        }
        _ => name.into(),
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_of_numbers_and_addresses_are_apart_and_name_nobody() {
        assert_eq!(Room::of_number("+14155550100").as_str(), "number-14155550100");
        assert_eq!(masked("number-14155550100"), "number-…0100");
        for name in ["number-0100", "number-plate", "talk", "+14155550100 talk", ""] {
            assert_eq!(masked(name), name);
        }
        let alice = Room::of_number("sip:alice@pbx.example.com");
        assert!(alice.as_str().starts_with("line-") && !alice.as_str().contains("alice"));
        assert_ne!(alice, Room::of_number("sip:bob@pbx.example.com"));
        assert!(Room::parse(alice.as_str()).is_ok());
    }

    #[test]
    fn odd_names_are_refused() {
        assert_eq!(Room::parse(" room 7.a_b-c ").unwrap().as_str(), "room 7.a_b-c");
        for text in ["", "  ", "a/b", "a<b", "a\nb", &"x".repeat(65)] {
            assert_eq!(Room::parse(text), Err(BadRoom), "{text:?}");
        }
    }
}
