//! A text as comparable words that know where they stood.

use std::{ops::Range, sync::LazyLock};

use rust_stemmers::{Algorithm, Stemmer};

/// A word in lower case, with contractions opened ("can't" is two words with one place).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) plain: String,
    pub(crate) stem: String,
    /// Bytes of the original text.
    pub(crate) place: Range<usize>,
}

impl Word {
    fn new(plain: String, place: Range<usize>) -> Self {
        Self { stem: STEMMER.stem(&plain).into_owned(), plain, place }
    }

    /// Tells whether the word turns what follows into its opposite.
    pub(crate) fn denies(&self) -> bool {
        const DENIALS: [&str; 10] =
            ["not", "no", "never", "nothing", "none", "nobody", "without", "neither", "nor", "hardly"];
        DENIALS.contains(&self.plain.as_str())
    }

    /// Tells whether the word says what the text is about.
    pub(crate) fn has_content(&self) -> bool {
        !self.denies() && COMMON.binary_search(&self.plain.as_str()).is_err()
    }

    /// Tells whether a speaker may leave the word out or use another one of its kind.
    pub(crate) fn is_determiner(&self) -> bool {
        const DETERMINERS: [&str; 13] =
            ["a", "an", "the", "my", "your", "our", "his", "her", "their", "this", "that", "these", "those"];
        DETERMINERS.contains(&self.plain.as_str())
    }
}

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// Words that are found in any text, sorted.
const COMMON: &[&str] = &[
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "get", "go", "going", "got", "had", "has", "have", "he",
    "her", "here", "his", "how", "i", "if", "in", "is", "it", "its", "just", "know", "like", "me", "more",
    "my", "need", "of", "okay", "on", "or", "our", "out", "please", "really", "she", "should", "so", "some",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "up", "us",
    "very", "want", "was", "we", "well", "were", "what", "when", "where", "who", "why", "will", "with",
    "would", "yeah", "you", "your",
];

/// Cuts `text` into words, without the sounds of hesitation.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        let inside = character.is_alphanumeric() || is_apostrophe(character);
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                push(text, from..at, &mut words);
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Joins words for the patterns.
pub(crate) fn joined(words: &[Word]) -> String {
    words.iter().map(|word| word.plain.as_str()).collect::<Vec<_>>().join(" ")
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}')
}

fn push(text: &str, place: Range<usize>, words: &mut Vec<Word>) {
    let raw = &text[place.clone()];
    let plain = raw.trim_matches(is_apostrophe).to_lowercase().replace('\u{2019}', "'");
    if plain.is_empty() || matches!(plain.as_str(), "um" | "uh" | "er" | "uhm" | "hmm" | "mm" | "ah") {
        return;
    }
    for part in opened(&plain) {
        words.push(Word::new(part, place.clone()));
    }
}

/// Opens a contraction.
fn opened(word: &str) -> Vec<String> {
    let pair = |first: &str, second: &str| vec![first.to_owned(), second.to_owned()];
    match word {
        "won't" => return pair("will", "not"),
        "can't" | "cannot" => return pair("can", "not"),
        "gonna" => return pair("going", "to"),
        "wanna" => return pair("want", "to"),
        "it's" | "that's" | "he's" | "she's" | "there's" | "here's" | "what's" | "where's" | "who's" => {
            return pair(word.trim_end_matches("'s"), "is");
        }
        _ => {}
    }
    for (ending, full) in
        [("n't", "not"), ("'m", "am"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'d", "would")]
    {
        if let Some(stump) = word.strip_suffix(ending).filter(|stump| !stump.is_empty()) {
            return pair(stump, full);
        }
    }
    vec![word.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::{COMMON, joined, words};

    #[test]
    fn contractions_are_opened_and_keep_their_place() {
        let text = "Uh, I can\u{2019}t log-in, it's 'broken'!";
        let words = words(text);
        assert_eq!(joined(&words), "i can not log in it is broken");
        assert_eq!(&text[words[2].place.clone()], "can\u{2019}t");
        assert_eq!(&text[words[7].place.clone()], "'broken'");
    }

    #[test]
    fn the_common_words_can_be_searched() {
        assert!(COMMON.is_sorted());
        let denied: Vec<bool> = words("the bill isn't right").iter().map(|word| word.has_content()).collect();
        assert_eq!(denied, [false, true, false, false, true]);
    }
}
