//! Numbers of dates as they are said: "three", "forty eight", "a couple of", "twenty first", "15th".

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

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
        let unit = UNITS.iter().position(|unit| *unit == word);
        let ten = TENS.iter().position(|ten| *ten == word).map(|ten| ten * 10);
        sum += unit.or(ten)?;
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
        let ordinal = ORDINALS.iter().position(|ordinal| *ordinal == word);
        let ten = match word {
            "twenty" | "twentieth" => Some(20),
            "thirty" | "thirtieth" => Some(30),
            _ => None,
        };
        sum += ordinal.or(ten)?;
    }
    i8::try_from(sum).ok()
}
