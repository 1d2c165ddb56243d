//! Brings one message into the form that the rules read: one spelling a word, no hesitation, no repetition.

use super::misheard;
use super::pattern::Pattern;
use std::sync::LazyLock;

/// One sentence of a message, as far as its marks tell; a message without marks is one sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Lower-case words with a single space between, contractions written out.
    pub(super) words: String,
    /// Whether the recogniser or the writer closed it with a question mark.
    pub(super) asked: bool,
}

/// Longest immediate repetition, in words, that counts as a false start ("i already i already").
const LONGEST_REPETITION: usize = 4;

/// Returns the sentences of `text` that hold a word.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    for raw in text.split_whitespace() {
        let asked = raw.ends_with('?') || raw.ends_with("?\"");
        let closed = asked || raw.ends_with(['.', '!', ';', '…']);
        for part in raw.split(['/', '—', '–', ',']).flat_map(|part| part.split("--")) {
            push_word(part, &mut words);
        }
        if closed {
            close(&mut words, asked, &mut found);
        }
    }
    close(&mut words, false, &mut found);
    found
}

fn close(words: &mut Vec<String>, asked: bool, found: &mut Vec<Sentence>) {
    let written_out = spoken_forms(std::mem::take(words));
    if !written_out.is_empty() {
        found.push(Sentence { words: written_out, asked });
    }
}

fn push_word(raw: &str, words: &mut Vec<String>) {
    let trimmed =
        raw.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’');
    let word: String = trimmed.to_lowercase().replace(['’', '‘', '`'], "'").replace('-', " ");
    for part in word.split(' ').map(|part| part.trim_matches('\'')).filter(|part| !part.is_empty()) {
        words.push(part.to_owned());
    }
}

/// Writes contractions out, then drops hesitation and repetition, then unites phrases that mean the same.
fn spoken_forms(raw: Vec<String>) -> String {
    let mut words: Vec<String> = Vec::with_capacity(raw.len() + 8);
    for (index, word) in raw.iter().enumerate() {
        let next = raw.get(index + 1).map_or("", String::as_str);
        let heard = index.checked_sub(1).and_then(|before| raw.get(before)).map_or("", String::as_str);
        let word = misheard::meant(heard, word, next).unwrap_or(word);
        let previous = words.last().map_or("", String::as_str);
        let written_out = write_out(word, previous, next);
        words.extend(written_out.split(' ').filter(|part| !is_hesitation(part)).map(str::to_owned));
    }
    drop_repetitions(&mut words);
    let mut text = words.join(" ");
    for (pattern, replacement) in UNITED.iter() {
        if pattern.matches(&text) {
            text = pattern.replace_all(&text, replacement);
        }
    }
    text.trim().to_owned()
}

fn is_hesitation(word: &str) -> bool {
    matches!(
        word,
        "" | "um" | "uh" | "er" | "erm" | "uhm" | "umm" | "uhh" | "hmm" | "hm" | "mm" | "mhm" | "ah"
    )
}

/// Returns the word with its contraction written out; words between spaces.
fn write_out(word: &str, previous: &str, next: &str) -> String {
    if let Some((_, written_out)) = SHORT_FORMS.iter().find(|(short, _)| *short == word) {
        return (*written_out).to_owned();
    }
    if word == "ill" && !next.is_empty() && !is_before_illness(previous) {
        return "i will".to_owned();
    }
    for (ending, written_out) in
        [("n't", " not"), ("'re", " are"), ("'ll", " will"), ("'ve", " have"), ("'m", " am")]
    {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{written_out}");
        }
    }
    if let Some(stem) = word.strip_suffix("'d") {
        let verb = if stem == "how" || stem == "where" || stem == "why" { "did" } else { "would" };
        return format!("{stem} {verb}");
    }
    if let Some(stem) = word.strip_suffix("'s")
        && (stands_for_is(stem) || is_after_is(next))
    {
        return format!("{stem} is");
    }
    word.to_owned()
}

fn is_before_illness(word: &str) -> bool {
    let before =
        ["is", "am", "are", "was", "were", "be", "been", "feel", "feeling", "fell", "get", "got", "very"];
    before.contains(&word)
        || ["so", "really", "mentally", "terminally", "critically", "an", "the"].contains(&word)
}

fn stands_for_is(stem: &str) -> bool {
    let pronouns = ["it", "that", "he", "she", "there", "here", "this", "everything", "nothing", "something"];
    let questions = ["what", "where", "when", "who", "how", "why", "which"];
    let people = ["somebody", "someone", "everybody", "everyone", "nobody", "anybody", "anyone"];
    pronouns.contains(&stem) || questions.contains(&stem) || people.contains(&stem)
}

/// Whether a noun's `'s` before this word is "is" and no possessive.
fn is_after_is(next: &str) -> bool {
    let articles = [
        "a", "an", "the", "not", "no", "my", "your", "in", "on", "out", "off", "down", "up", "at", "over",
        "round",
    ];
    let verbs = [
        "going", "gonna", "been", "supposed", "coming", "gotta", "got", "still", "already", "just", "really",
    ];
    articles.contains(&next) || verbs.contains(&next)
}

/// What speech shortens beyond an apostrophe's rules, and what recognisers write without the apostrophe.
const SHORT_FORMS: [(&str, &str); 60] = [
    ("can't", "can not"),
    ("cannot", "can not"),
    ("cant", "can not"),
    ("won't", "will not"),
    ("wont", "will not"),
    ("shan't", "shall not"),
    ("ain't", "is not"),
    ("aint", "is not"),
    ("don't", "do not"),
    ("dont", "do not"),
    ("doesnt", "does not"),
    ("didnt", "did not"),
    ("isnt", "is not"),
    ("wasnt", "was not"),
    ("havent", "have not"),
    ("wouldnt", "would not"),
    ("couldnt", "could not"),
    ("shouldnt", "should not"),
    ("let's", "let us"),
    ("lets", "let us"),
    ("im", "i am"),
    ("ive", "i have"),
    ("youre", "you are"),
    ("youll", "you will"),
    ("youve", "you have"),
    ("theyre", "they are"),
    ("theyll", "they will"),
    ("thats", "that is"),
    ("whats", "what is"),
    ("wheres", "where is"),
    ("whos", "who is"),
    ("hows", "how is"),
    ("theres", "there is"),
    ("gonna", "going to"),
    ("gunna", "going to"),
    ("wanna", "want to"),
    ("gotta", "have to"),
    ("hafta", "have to"),
    ("oughta", "ought to"),
    ("tryna", "trying to"),
    ("lemme", "let me"),
    ("gimme", "give me"),
    ("dunno", "do not know"),
    ("kinda", "kind of"),
    ("coulda", "could have"),
    ("woulda", "would have"),
    ("shoulda", "should have"),
    ("whatcha", "what are you"),
    ("d'you", "do you"),
    ("y'all", "you"),
    ("yall", "you"),
    ("ya", "you"),
    ("cuz", "because"),
    ("cos", "because"),
    ("cause", "because"),
    ("em", "them"),
    ("ok", "okay"),
    ("o'clock", "o'clock"),
    ("yep", "yeah"),
    ("yup", "yeah"),
];

/// Drops a run of words that repeats the run just before it.
fn drop_repetitions(words: &mut Vec<String>) {
    let mut kept: Vec<String> = Vec::with_capacity(words.len());
    for word in words.drain(..) {
        kept.push(word);
        for length in 1..=LONGEST_REPETITION {
            let end = kept.len();
            if end >= 2 * length && kept[end - length..] == kept[end - 2 * length..end - length] {
                kept.truncate(end - length);
                break;
            }
        }
    }
    *words = kept;
}

/// Phrases that mean the same to every rule, in the order they are replaced.
static UNITED: LazyLock<Vec<(Pattern, &'static str)>> = LazyLock::new(|| {
    vec![
        (Pattern::new(r"\byou (?:guys|all|folks|people)\b"), "you"),
        (Pattern::new(r"\b(i|you|we|they|he|she|it) (?:have |has |would )?got to\b"), "$1 have to"),
        (Pattern::new(r"\b(?:is|has) got to\b"), "has to"),
        (Pattern::new(r"\b(i|you|we|they) have got\b"), "$1 have"),
        (Pattern::new(r"\b(i|we) (?:am|are) a going to\b"), "$1 am going to"),
        (Pattern::new(r"\b(i|we|you) going to\b"), "$1 are going to"),
        (Pattern::new(r"\b(?:i mean|like i said|as i said|to be honest|sort of|kind of like)\b ?"), ""),
        (Pattern::new(r"\b(?:i|we) (?:am|are) (?:just )?going to (?:just )?(i|we)\b"), "$1"),
        (Pattern::new(r"\byou know (so|and|because|but|i|like|just)\b"), "$1"),
        (Pattern::new(r"\blet (me|you|us|him|her|them) no\b"), "let $1 know"),
        (
            Pattern::new(
                r"((?:\w+ ){3,}\w+) (?:like|do you hear me|you hear|so it is|so they are|love|pet|hun)$",
            ),
            "$1",
        ),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let found: Vec<String> = sentences(text).into_iter().map(|sentence| sentence.words).collect();
        found.join(" | ")
    }

    #[test]
    fn speech_comes_out_in_one_spelling() {
        let table = [
            ("Um, I'll, uh, I'll call.", "i will call"),
            ("i already i already paid", "i already paid"),
            ("you’re gonna wanna see it", "you are going to want to see it"),
            ("Okay. Can't you?", "okay | can not you"),
            ("i've gotta go y'all", "i have to go you"),
            ("the flight's a mess and my wife's card", "the flight is a mess and my wife's card"),
            ("ill send it since he fell ill today", "i will send it since he fell ill today"),
            ("you guys take amex", "you take amex"),
        ];
        for (raw, expected) in table {
            assert_eq!(words(raw), expected, "{raw}");
        }
    }

    #[test]
    fn marks_without_a_word_are_no_sentence() {
        assert!(sentences(" ... ?! — ").is_empty());
        assert!(sentences("").is_empty());
    }
}
