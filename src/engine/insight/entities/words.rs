//! The words of a text with their places in it, and what is known about words as such.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// A word: letters and digits, with apostrophes inside.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) range: Range<usize>,
    /// Lower case, straight apostrophes.
    pub(super) lower: String,
    /// Whether the text writes it with a capital first letter.
    pub(super) capital: bool,
}

/// A text cut into words; what stands between two words is their gap.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) text: &'a str,
    pub(super) list: Vec<Word>,
    /// The text uses capitals inside sentences, so that a small letter says something too.
    pub(super) cased: bool,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut list: Vec<Word> = Vec::new();
        let mut start = None;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().copied();
            let inside = character.is_alphanumeric()
                || (start.is_some()
                    && matches!(character, '\'' | '’')
                    && next.is_some_and(|(_, following)| following.is_alphanumeric()));
            if inside {
                let from = *start.get_or_insert(at);
                if next.is_none() {
                    list.push(word(text, from..text.len()));
                }
            } else if let Some(from) = start.take() {
                list.push(word(text, from..at));
            }
        }
        let cased = text.chars().any(char::is_uppercase);
        Self { text, list, cased }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The word's lower case letters; empty beyond the ends.
    pub(super) fn at(&self, index: usize) -> &str {
        self.list.get(index).map_or("", |word| word.lower.as_str())
    }

    /// What stands between this word and the one before it.
    pub(super) fn gap_before(&self, index: usize) -> &'a str {
        let Some(word) = self.list.get(index) else { return "" };
        let from = if index == 0 { 0 } else { self.list[index - 1].range.end };
        &self.text[from..word.range.start]
    }

    /// The bytes from the first word to the last, both included.
    pub(super) fn span(&self, first: usize, last: usize) -> Range<usize> {
        self.list[first].range.start..self.list[last].range.end
    }

    /// Whether a sentence ends between this word and the one before it.
    pub(super) fn sentence_before(&self, index: usize) -> bool {
        index == 0 || self.gap_before(index).contains(['.', '?', '!', ';'])
    }
}

fn word(text: &str, range: Range<usize>) -> Word {
    let written = &text[range.clone()];
    let capital = written.chars().next().is_some_and(char::is_uppercase);
    Word { lower: written.to_lowercase().replace('’', "'"), capital, range }
}

type Set = HashSet<&'static str>;

static ORDINARY: LazyLock<Set> =
    LazyLock::new(|| include_str!("../data/words-ordinary.txt").lines().collect());
static FIRST_NAMES: LazyLock<Set> =
    LazyLock::new(|| include_str!("../data/names-first.txt").lines().collect());
static DOUBTFUL_NAMES: LazyLock<Set> =
    LazyLock::new(|| include_str!("../data/names-doubtful.txt").lines().collect());
static FUNCTION: LazyLock<Set> = LazyLock::new(|| FUNCTION_WORDS.split(' ').collect());
static LAST_NAMES: LazyLock<Set> = LazyLock::new(|| include_str!("../data/names-last.txt").lines().collect());

/// Words that mean something besides a name.
pub(super) fn is_ordinary(word: &str) -> bool {
    ORDINARY.contains(word) || (word.contains('\'') && !word.starts_with("o'"))
}

/// First names that are nothing else.
pub(super) fn is_first_name(word: &str) -> bool {
    FIRST_NAMES.contains(word)
}

/// First names that are words or places too (will, grace, austin).
pub(super) fn is_doubtful_name(word: &str) -> bool {
    DOUBTFUL_NAMES.contains(word)
}

/// Family names, words among them too (king, brown).
pub(super) fn is_last_name(word: &str) -> bool {
    LAST_NAMES.contains(word) || (word.starts_with("o'") && word.len() > 4)
}

/// Words that only hold sentences together: never a name, a street or a part of an address.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION.contains(word) || word.contains('\'') && !word.starts_with("o'")
}

const FUNCTION_WORDS: &str = "a about actually after again ago all already alright also always am an and any anymore are \
    as at back be because been before but by bye call called calling can cannot could did do \
    does doing done either else even ever every fine first for from get getting give go going \
    gonna good got great had happy has have having he hello her here hey hi him his hold how i \
    if in into is it its just know last let like looking maybe me more most much my need never \
    new next nice no nope not now number of off oh ok okay on one only or other our out over \
    perfect please pretty put quite ready really right said same say see she should so some \
    somebody someone sorry speaking spell spelled still such sure take talk talking than thank \
    thanks that the their them then there these they thing things think this those though to \
    today tomorrow too trying two uh um under up us very wait want wants was we well were what \
    when where which who why will with would yeah yep yes yesterday yet you your";

/// Whether a word is in a list of words with one space between two.
pub(super) fn one_of(word: &str, list: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Sounds of somebody who is thinking.
pub(super) fn is_hesitation(word: &str) -> bool {
    matches!(word, "uh" | "um" | "er" | "erm" | "ah" | "hmm" | "mm" | "uhm" | "umm")
}

/// A single letter.
pub(super) fn is_letter(word: &str) -> bool {
    word.len() == 1 && word.as_bytes()[0].is_ascii_alphabetic()
}

const MONTHS: &str = "january february march april may june july august september october november december";

/// Whether the word is a month, in full or as people write it short.
pub(super) fn is_month(word: &str) -> bool {
    one_of(word, MONTHS) || one_of(word, "jan feb mar apr jun jul aug sep sept oct nov dec")
}

/// Names of the states, of one word or of two, and of cities that end in one.
pub(super) fn state_words(words: &Words<'_>, index: usize) -> usize {
    const ONE: &str = "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia \
        hawaii idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts \
        michigan minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon \
        pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming";
    const SHORT: &str = "al ak az ar ca co ct dc de fl ga hi ia id il in ks ky la ma md me mi mn mo ms mt nc nd ne nh \
        nj nm nv ny oh ok or pa ri sc sd tn tx ut va vt wa wi wv wy";
    let first = words.at(index);
    if words
        .list
        .get(index)
        .is_some_and(|word| words.text[word.range.clone()].chars().all(char::is_uppercase))
        && one_of(first, SHORT)
    {
        return 1;
    }
    match (first, words.at(index + 1)) {
        ("new", "york" | "jersey" | "mexico" | "hampshire")
        | ("north" | "south", "carolina" | "dakota")
        | ("west", "virginia")
        | ("rhode", "island") => 2,
        _ if one_of(first, ONE) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let words = Words::of("It’s J-A, 4111 o'clock");
        let found: Vec<_> = words.list.iter().map(|word| word.lower.as_str()).collect();
        assert_eq!(found, ["it's", "j", "a", "4111", "o'clock"]);
        assert_eq!(words.gap_before(2), "-");
        assert_eq!(&words.text[words.span(1, 2)], "J-A");
    }

    #[test]
    fn function_words_are_no_names() {
        assert!(is_function_word("calling") && !is_function_word("maria"));
    }
}
