//! Numbers of dates as they are said: "three", "forty eight", "a couple of", "twenty first", "15th".

use crate::engine::number_words::small_number;

/// A regular expression of what [`cardinal`] reads.
pub(super) const CARDINAL: &str = r"(?:\d{1,3}|(?:a |the next )?(?:couple|few)(?: of)?|half an?|an?|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)";

/// A regular expression of what [`ordinal`] reads.
pub(super) const ORDINAL: &str = r"(?:\d{1,2}(?:st|nd|rd|th)|(?:twenty|thirty)[ -](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)";

/// Returns a counted number; "a few" counts three.
pub(super) fn cardinal(words: &str) -> Option<i64> {
    let words = words.to_lowercase();
    if let Ok(number) = words.parse() {
        return Some(number);
    }
    if words.contains("couple") {
        return Some(2);
    }
    if words.contains("few") {
        return Some(3);
    }
    if words == "a" || words == "an" {
        return Some(1);
    }
    let mut sum = 0;
    for word in words.split([' ', '-']) {
        let (value, _) = small_number(word).filter(|(_, is_ordinal)| !is_ordinal)?;
        sum += value;
    }
    i64::try_from(sum).ok()
}

/// Returns a day of the month.
pub(super) fn ordinal(words: &str) -> Option<i8> {
    let words = words.to_lowercase();
    let digits: String = words.chars().take_while(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        return digits.parse().ok();
    }
    let mut sum = 0;
    for word in words.split([' ', '-']) {
        // "twenty first", but no day "twelve" or "fortieth".
        let is_of_a_day =
            |&(value, is_ordinal): &(u64, bool)| value <= 30 && is_ordinal || matches!(value, 20 | 30);
        let (value, _) = small_number(word).filter(is_of_a_day)?;
        sum += value;
    }
    i8::try_from(sum).ok()
}
