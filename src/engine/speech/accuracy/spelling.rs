//! One spelling for words that can be written in several ways.

use super::numbers::digits_of_numbers;

/// Splits `text` into words in one spelling: lower case, no punctuation, contractions written out, numbers as
/// single digits ("4729", "four seven two nine" and "four thousand seven hundred and twenty-nine" are equal).
pub fn normalised_words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace(['\u{2019}', '\u{2018}', '`'], "'");
    let mut words = Vec::new();
    for chunk in lower.split(|c: char| c.is_whitespace() || "-\u{2010}\u{2011}\u{2013}\u{2014}/_".contains(c))
    {
        let chunk = chunk.trim_matches(|c: char| !c.is_alphanumeric() && !"$£€%&#".contains(c));
        if !chunk.is_empty() {
            spell(chunk, &mut words);
        }
    }
    digits_of_numbers(&words)
}

/// Appends the words of a chunk without white space.
fn spell(chunk: &str, words: &mut Vec<String>) {
    for (sign, name) in [('$', "dollars"), ('£', "pounds"), ('€', "euros")] {
        if let Some(amount) = chunk.strip_prefix(sign) {
            spell(amount, words);
            words.push(name.to_owned());
            return;
        }
    }
    if let Some(share) = chunk.strip_suffix('%') {
        spell(share, words);
        words.push("percent".to_owned());
        return;
    }
    if chunk.starts_with(|c: char| c.is_ascii_digit()) {
        spell_number(chunk, words);
        return;
    }
    let bare = chunk.replace('.', "");
    if let Some((_, plain)) = SAME_WORDS.iter().find(|(variant, _)| *variant == bare) {
        words.extend(plain.split(' ').map(str::to_owned));
        return;
    }
    // Full stops inside are an abbreviation's ("p.m."); other signs inside separate words.
    for part in bare.split(|c: char| !c.is_alphanumeric() && c != '\'') {
        spell_contraction(part.trim_matches('\''), words);
    }
}

/// A chunk that begins with a digit: "1,000", "3.5", "3:30", "21st", "5pm".
fn spell_number(chunk: &str, words: &mut Vec<String>) {
    let mut rest = &*chunk.replace(',', "");
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        if !number.is_empty() {
            words.push(number.to_owned());
        }
        rest = match after.strip_prefix('.') {
            Some(decimals) if decimals.starts_with(|c: char| c.is_ascii_digit()) => {
                words.push("point".to_owned());
                decimals
            }
            _ => after,
        };
        let letters = rest.len() - rest.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
        let (unit, after) = rest.split_at(letters);
        let unit: String = unit.chars().filter(|c| c.is_alphanumeric()).collect();
        match &*unit {
            "" => {}
            "st" | "nd" | "rd" | "th" => words.push("th".to_owned()),
            _ => words.push(unit),
        }
        rest = after;
    }
}

fn spell_contraction(word: &str, words: &mut Vec<String>) {
    let (stem, ending) = word.rsplit_once('\'').unwrap_or((word, ""));
    let ending = match ending {
        "t" if stem.ends_with('n') => {
            words.push(stem.strip_suffix('n').unwrap_or(stem).to_owned());
            words.push("not".to_owned());
            return;
        }
        "re" => "are",
        "ve" => "have",
        "ll" => "will",
        "m" => "am",
        "d" => "would",
        "s" if IS_STEMS.contains(&stem) => "is",
        _ => {
            let joined = word.replace('\'', "");
            if !joined.is_empty() {
                words.push(joined);
            }
            return;
        }
    };
    words.push(stem.to_owned());
    words.push(ending.to_owned());
}

/// Words after which 's is "is"; after others it is a possessive.
const IS_STEMS: &[&str] = &[
    "it",
    "that",
    "what",
    "he",
    "she",
    "there",
    "here",
    "where",
    "who",
    "how",
    "when",
    "this",
    "everything",
];

/// Other spellings of the same words.
const SAME_WORDS: &[(&str, &str)] = &[
    ("mr", "mister"),
    ("mrs", "missus"),
    ("ms", "miss"),
    ("dr", "doctor"),
    ("st", "saint"),
    ("ok", "okay"),
    ("alright", "all right"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("won't", "will not"),
    ("shan't", "shall not"),
    ("let's", "let us"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("gotta", "got to"),
    ("email", "e mail"),
    ("emails", "e mails"),
    ("goodbye", "good bye"),
    ("&", "and"),
    ("#", "number"),
    ("metres", "meters"),
    ("metre", "meter"),
    ("colour", "color"),
    ("honour", "honor"),
    ("favour", "favor"),
    ("neighbour", "neighbor"),
    ("cheque", "check"),
    ("mm", "hmm"),
    ("mhm", "hmm"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_sound_alike_are_equal() {
        for (a, b) in [
            ("Mr. Dashwood, OK?", "mister dashwood okay"),
            ("I can't - I won't!", "I cannot; I will not"),
            ("It's 3:30 p.m.", "it is three thirty pm"),
            ("4729", "four seven two nine"),
            ("4,729", "four thousand seven hundred and twenty-nine"),
            ("$25", "twenty five dollars"),
            ("the 21st of May", "the twenty-first of may"),
            ("3.5%", "three point five percent"),
            ("1984", "nineteen eighty four"),
            ("555-0142", "five five five oh one four two"),
            ("ill-disposed", "ill disposed"),
            ("the customer\u{2019}s order", "the customer's order"),
            ("100 dollars", "a hundred dollars"),
            ("we'll e-mail you", "we will email you"),
            ("double five", "5 5"),
        ] {
            assert_eq!(normalised_words(a), normalised_words(b), "{a} / {b}");
        }
    }

    #[test]
    fn different_words_stay_different() {
        for (a, b) in
            [("fifteen", "fifty"), ("oh no", "0 no"), ("twenty one", "twenty two"), ("its", "it is")]
        {
            assert_ne!(normalised_words(a), normalised_words(b), "{a} / {b}");
        }
        assert_eq!(normalised_words(" ... \u{2014} !"), Vec::<String>::new());
    }
}
